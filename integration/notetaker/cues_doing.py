"""Cues for what is done, chosen and left to do: workaround, decision, action. See `cues`."""

from __future__ import annotations

import re

from integration.notetaker.cue import Cue

_I = r"\b(?:i|we|they|he|she|team|engineers?|operators?)\b"
_SOON = (
    r"(?:'ll|\s+will|(?:'m|'re|\s+am|\s+are)\s+(?:going to|gonna|about to)|"
    r"\s+(?:gonna|plan(?:ned|s)? to|intends? to))"
)

# Verbs of remedy. Stems carry the forms that a timeline (restarted, restarts) and a chat (restarting) use.
_REMEDY = (
    r"(?:roll(?:ed|ing|s)?[ -]?back|revert|restart|reboot|bounc|redeploy|re-?creat|re-?run|re-?start|"
    r"rerout|fail(?:ed|ing|s)? over|"
    r"scal(?:e|ed|es|ing)\s+(?:\w+\s+){0,5}?(?:up|down|to|out|in|back)|upscal|downscal|upgrad|downgrad|"
    r"patch|hotfix|"
    r"disabl|re-?enabl|switch(?:ed|es|ing)? (?:\w+\s+){0,3}?(?:to|over|off|back)|turn(?:ed|s|"
    r"ing)? (?:\w+\s+){0,3}?(?:off|on)\b|"
    r"delet|remov|drain|cordon|evict|kill(?:ed|ing|s)\b|clear(?:ed|ing|s)\b|clean(?:ed|ing|s)? up|purg|"
    r"flush|prun|"
    r"block(?:ed|ing|s)\b|throttl|bann|rate.?limit|increas(?:ed?|ing|es) (?:the |our |"
    r"its )?(?:\w+ ){0,3}(?:limit|quota|size|memory|cpu|"
    r"capacity|replicas|timeout|number|count|nodes?)|bump|rais(?:ed|ing) (?:the )?(?:limit|quota)|resiz|"
    r"doubl(?:ed|ing)|"
    r"appl(?:y|ied|ies|ying) (?:the |a |an )?(?:\w+ ){0,2}(?:fix|patch|change|config|workaround)|deploy|"
    r"merg(?:ed|ing|es)|"
    r"rotat(?:ed|ing)|renew|re-?issu|re-?attach|mov(?:ed|ing) (?:\w+\s+){0,4}to|migrat|restor(?:ed|"
    r"ing) (?:\w+ ){0,4}from|"
    r"re-?built|rebuild|replac|reset|undo|undid|unblock|manually|forc(?:ed?|ing) )\w*"
)

DOING: tuple[Cue, ...] = tuple(
    Cue(re.compile(pattern), points)
    for pattern, points in (
        # workaround: a remedy taken or being taken
        (r"\b" + _REMEDY, {"workaround": 0.9}),
        (
            r"(?:^|[.;:,] |\b(?:i|we|they|he|she|and|then|have|has|had|been|was|were|be|team|just|also|is|"
            r"are|now|by)\s+"
            r"(?:\w+ly )?)(?:re)?" + _REMEDY,
            {"workaround": 1.1},
        ),
        (
            r"\b(?:hot)?fix(?:es)? (?:was |is |has been |been |were )?(?:applied|deployed|merged|released|"
            r"rolled out|shipped|live|pushed|in place)",
            {"workaround": 2.0},
        ),
        (
            r"\b(?:appl(?:y|ied|ying)|deploy(?:ed|ing)?|push(?:ed|ing)?|ship(?:ped)?|merged|released?|"
            r"implemented) (?:\w+ ){0,3}(?:hot)?fix",
            {"workaround": 1.6},
        ),
        (
            r"\bwork(?:ed|ing)?[ -]?around|\bmitigat|\btemporar(?:y|ily)|\bstop-?gap|\bband-?aid",
            {"workaround": 1.3},
        ),
        (
            r"\b(?:fixed|resolved|solved) (?:\w+ ){0,3}by\b|\bto (?:fix|resolve|mitigate|unblock) (?:this|"
            r"it|the)\b",
            {"workaround": 1.0},
        ),
        (
            r"\b(?:tried|trying|tries|try|attempt(?:ed|ing|s)?) (?:to )?(?:re)?\w+",
            {"workaround": 0.8, "update": 0.2},
        ),
        (
            r"\b(?:advis(?:ed|es)|recommend(?:ed|s)?|ask(?:ed|ing)?|tell|told) (?:the )?(?:\w+ )?(?:users|"
            r"customers|people|everyone)\b",
            {"workaround": 1.0},
        ),
        (
            r"\b(?:increased|decreased|reduced|raised|lowered|added|created|attached|recreated|changed|"
            r"modified|updated|adjusted|installed|enabled|set|ran|cleaned|freed)\b",
            {"workaround": 0.7},
        ),
        # action: still to be done
        (_I + _SOON + r"\s+(?!see\b|be (?:fine|ok))\w+", {"action": 1.7, "workaround": -0.4}),
        (
            r"^(?:will|going to|gonna|about to|planning to|let me|i'd like to|i want to)\s+\w+",
            {"action": 1.9, "workaround": -0.4},
        ),
        (
            r"\b(?:please|pls|plz|can (?:you|someone|anyone|somebody|we)|could (?:you|someone|anyone|"
            r"somebody|we)|would you|mind \w+ing)\b",
            {"action": 1.3},
        ),
        (
            r"\b(?:todo|to-do|to do|action items?|follow[- ]?ups?|next steps?|assigned|"
            r"assign(?:ing)? (?:this|it|to)|backlog|reminder|remember to|make sure|remind)\b",
            {"action": 1.8},
        ),
        (r"\b(?:needs? to|must)\b", {"action": 1.4}),
        (
            r"\b(?:should|have to|has to|ought to|gotta|want to|would be (?:good|nice|"
            r"great) to|better to|it'd be|we could|i could|you could|we can|i can|you can)\b",
            {"action": 1.0, "finding": -0.1},
        ),
        (
            r"\b(?:opened|opening|filed|filing|created|creating|raised|raising|submitted|"
            r"logged)\b (?:\w+ ){0,3}(?:issue|ticket|pr|pull request|bug|story|task|support (?:case|"
            r"request)|case)\b",
            {"action": 1.5, "workaround": -0.5},
        ),
        (
            r"\b(?:next time|in (?:the )?future|going forward|long[- ]term|afterwards|later|tomorrow|"
            r"next week)\b",
            {"action": 0.8},
        ),
        (r"\bplan(?:s|ned)? (?:is )?to\b|\bschedul(?:e|ed|ing)\b", {"action": 1.3}),
        # decision: a choice
        (
            r"\b(?:decision|decide[ds]?|deciding|chose|chosen|choose|opt(?:ed|ing)? (?:to|for)|agreed?|"
            r"consensus|approved?|approval|go ahead|going with|go with|settled on|conclude[ds]? (?:to|"
            r"that we))\b",
            {"decision": 2.4, "workaround": -0.4},
        ),
        (
            r"\blet's\b|\blets (?:just )?(?!me|us|you)\w+|\bshall we\b|\bi(?:'d| would) (?:vote|suggest|"
            r"recommend|propose|prefer|say we)\b|\bi (?:vote|propose|recommend|suggest)\b",
            {"decision": 2.2, "action": 0.3},
        ),
        (
            r"\b(?:won't|will not|not going to|not gonna|rather not|no need to|don't (?:need|want) to|"
            r"hold off|hold on|stand down|leave (?:it|this|that)|don't (?:touch|deploy|merge|restart|"
            r"do))\b",
            {"decision": 1.3},
        ),
        (
            r"\b(?:lgtm|sgtm|sounds good|works for me|makes sense|good idea|do it|ship it|fine by me|"
            r"fine with me|i agree|agreed)\b",
            {"decision": 1.1, "noise": 0.5},
        ),
    )
)
