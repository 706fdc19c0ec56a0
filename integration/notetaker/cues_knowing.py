"""Cues for what is known, asked or only chatted: update, impact, finding, question, noise. See `cues`."""

from __future__ import annotations

import re

from integration.notetaker.cue import Cue

KNOWING: tuple[Cue, ...] = tuple(
    Cue(re.compile(pattern), points)
    for pattern, points in (
        # update: where the incident stands
        (
            r"\bincident (?:is |was |has been |been |has )?(?:\w+ )?(?:declared|opened|created|raised|"
            r"started|closed|resolved|over|acknowledged|ended|mitigated)",
            {"update": 2.4},
        ),
        (
            r"\b(?:declar|acknowledg)(?:ed|es|ing)\b|\b(?:major|minor|incident|outage|"
            r"alert)\b.{0,20}\bclosed\b|\bpriority (?:changed|raised)",
            {"update": 1.6},
        ),
        (
            r"\b(?:service|services|systems?|site|everything|things|performance|traffic|operations?|"
            r"functionality|access)\b.{0,40}\b(?:restored|recover(?:ed|ing|s)|back|normal(?:ised|ized)?|"
            r"operational|stable|healthy|resumed)\b",
            {"update": 2.2},
        ),
        (
            r"\b(?:fully |now )?(?:restored|recover(?:ed|ing|y|s)|stabili[sz](?:ed|ing|es)|operational|"
            r"normali[sz]ed)\b",
            {"update": 1.3},
        ),
        (
            r"\bback (?:up|online|to normal|again|in business|to (?:\w+ )?(?:levels?|baseline))\b|"
            r"\bup and running\b|\b(?:is|are|was|were|came|come) (?:all )?back\b",
            {"update": 1.7},
        ),
        (
            r"\bno longer\b|\ball clear\b|\b(?:looks?|looking|is|are|seems?|all) (?:much )?(?:good|"
            r"healthy|green|better|fine|ok|okay|stable)\b|\bas expected\b",
            {"update": 1.1},
        ),
        (
            r"\b(?:is|are|seems?|appears?|looks?|it's|started|starts|"
            r"they're) (?:to be )?(?:now )?working\b|\b(?:that|it|this) (?:worked|works|fixed it|helped|"
            r"did it|did the trick)",
            {"update": 1.6},
        ),
        (
            r"\b(?:didn't|doesn't|did not|not|don't think (?:that|it|this)) (?:work|worked|help|helped|"
            r"fix)\b|\bno (?:effect|change|luck|improvement|difference)\b|\bwithout success",
            {"update": 1.6},
        ),
        (
            r"\bstill (?:\w+ )?(?:down|failing|broken|seeing|not|happening|going|the same|getting|"
            r"an issue|have|having|running|waiting|in progress|\w+ing)\b|\bstill (?:being )?",
            {"update": 0.9},
        ),
        (
            r"\b(?:investigat(?:ing|ion|ions|e|es|ed)|looking (?:into|at)|looks into|troubleshoot(?:ing|"
            r"s)?|debugging|digging|checking|working on)\b",
            {"update": 1.1},
        ),
        (
            r"\b(?:monitor(?:ing|ed)?|verif(?:y|ied|ies|ying)|confirm(?:s|ed|ation)?|test(?:ed|"
            r"ing)?)\b.{0,60}\b(?:work(?:s|ing|ed)?|fix(?:ed)?|restored|recovered|healthy|success\w*|"
            r"resolved|available|ok|good|up)\b",
            {"update": 1.5},
        ),
        (
            r"\b(?:issue|problem|incident|alert|outage|error)s?\b (?:is |was |has been |are |were |"
            r"have been |has |now |fully |been )*(?:resolved|fixed|mitigated|solved|gone|cleared|over|"
            r"recovered)\b",
            {"update": 1.9},
        ),
        (
            r"\b(?:status ?page|stakeholders|customers|users|support|management|community|"
            r"everyone)\b.{0,40}\b(?:updated|notified|informed|emailed|posted|contacted|told)\b",
            {"update": 2.0},
        ),
        (
            r"\b(?:notif(?:y|ied|ies)|inform(?:s|ed|ing)|contacted|reached out|post(?:ed|s)|announc(?:ed|"
            r"es|ement)|escalat(?:ed|es|ing|ion)|emailed|e-?mail sent|messaged|tweeted)\b",
            {"update": 1.1},
        ),
        (
            r"\b(?:paged|pages|joined|joins|called in|on-?call|war ?room|bridge|call started|"
            r"handed? over|hand-?off|took over|takes over|responders?|incident commander|comms lead)\b",
            {"update": 1.0},
        ),
        (
            r"\b(?:starts?|started|begins?|began|continu(?:es|ed|ing)|progress(?:es|ing)?|in progress|"
            r"complet(?:e|ed|es|ing|ion)|finish(?:ed|es|ing)?|done|ongoing|waiting (?:for|on)|eta)\b",
            {"update": 0.7},
        ),
        (r"^(?:re)?solved\b|^closed\b|^done\b|^fixed\b|^update\b|\bpost-?mortem\b", {"update": 1.6}),
        (
            r"\binvestigations? .{0,60}\b(?:started|starts|began|begins|ongoing|under ?way|continues)\b|"
            r"\b(?:is|are) (?:now |all )?(?:available|reachable|accessible|responding|visible)\b",
            {"update": 1.0},
        ),
        # impact: who or what is hurt
        (
            r"\b(?:users?|customers?|clients?|people|teams?|developers?|everyone|somebody|"
            r"someone|tenants?|visitors?|merchants?|subscribers?)\b.{0,60}\b(?:unable|can't|"
            r"cannot|can not|couldn't|could not|report(?:s|ed|ing)?|experienc(?:e|ed|ing)|see(?:s|ing)?|"
            r"affected|impacted|complain\w*|fail\w*|error\w*|issues?|problems?|get(?:s|ting)?|lost|"
            r"not able|notic\w+|locked out|trouble)\b",
            {"impact": 1.5},
        ),
        (
            r"\b(?:report(?:s|ed|ing)?|complain(?:s|ed|ing|ts?)|ticket|message|e-?mail|"
            r"request)\b.{0,50}\b(?:from|by) (?:an? |the |our |some |several |multiple |"
            r"many )?(?:\w+ )?(?:users?|customers?|clients?|teams?|community)\b",
            {"impact": 1.4},
        ),
        (
            r"\b(?:reports?|reported|reporting)\b.{0,60}\b(?:issues?|problems?|errors?|down|unavailable|"
            r"unable|slow\w*|missing|fail\w*|timeouts?|unreachable|broken)\b",
            {"impact": 1.5},
        ),
        (
            r"\b(?:unable to|can't|cannot|could not|couldn't|not able to|failing to|fail to|"
            r"fails to) (?:\w+ )?(?:access|log ?in|sign in|connect|start|load|open|use|reach|authenticate|"
            r"create|launch|see|deploy|scale|get|be reached)",
            {"impact": 0.9},
        ),
        (
            r"\b(?:alert(?:s|ing)?|alarms?|monitor(?:s|ing)?|check|"
            r"probe)\b.{0,60}\b(?:trigger(?:s|ed|ing)?|fir(?:es|ed|ing)|went off|rais(?:ed|es)|goes off|"
            r"received|started|sent|arriv\w+|critical)\b",
            {"impact": 1.3, "update": 0.3},
        ),
        (
            r"\b(?:triggered|fir(?:ed|ing)|alerting|critical|warning)\b.{0,40}\b(?:alert|alarm)\b|"
            r"\[(?:alerting|no data|firing|critical|warning|fir)\b",
            {"impact": 1.5},
        ),
        (
            r"\b(?:outage|degrad(?:ed|ation|ing)|downtime|unavailab(?:le|ility)|inaccessible|unreachable|"
            r"unresponsive|data loss|disruption|brownout)\b",
            {"impact": 1.1},
        ),
        (
            r"\b(?:is|are|was|were|went|goes|going|being|been|became|becomes?|gone) (?:\w+ )?(?:down|slow|"
            r"unavailable|offline|broken|inaccessible|unreachable|unresponsive|unusable|dead)\b",
            {"impact": 1.4},
        ),
        (
            r"\b(?:slow(?:ness|er|ly)?|latency|time-?outs?|timing out|timed out|5xx|50[0-4]s?|"
            r"4\d\d errors?|bad gateway|service unavailable|crash(?:ing|ed|es)?|stuck|hang(?:s|ing)?)\b",
            {"impact": 0.5, "finding": 0.3},
        ),
        (
            r"\b(?:affect(?:s|ed|ing)|impact(?:s|ed|ing)?|suffer(?:s|ed|ing)?|hurt)\b|\b\d+(?:\.\d+)? ?%|"
            r"\b(?:all|most|some|many|several|multiple|half|~?\d+) (?:of )?(?:the |our )?(?:users|"
            r"customers|requests|sites?|hubs?|pages|accounts)\b",
            {"impact": 0.8},
        ),
        (
            r"\b(?:error rates?|errors?|failures?|failing)\b.{0,30}\b(?:spik|ris|increas|climb|high|"
            r"elevated|surg|jump)\w*|\b(?:high|elevated|increased|spike (?:in|of)) (?:\w+ )?(?:errors?|"
            r"error rates?|failures?|latency|5xx)\b",
            {"impact": 1.1, "finding": 0.3},
        ),
        (
            r"\bthere(?:'s| is| are| was| were) (?:an? )?(?:\w+ )?(?:incident|issue|problem|outage)s?\b",
            {"impact": 1.0},
        ),
        (
            r"\b(?:problems?|issues?|trouble) (?:with|when|while|in|access\w+|load\w+|connect\w+)\b|"
            r"\bexperienc(?:e|es|ed|ing) (?:\w+ ){0,2}(?:problems?|issues?|errors?|outages?|slow\w*|delays?)",
            {"impact": 1.0},
        ),
        # finding: what was learned about why and where
        (
            r"\b(?:because|due to|caused?|causes|causing|cause[ds]? by|root cause|reason|culprit|"
            r"the result of|resulted in|resulting|led to|leading to|as a result|triggered by|thanks to|"
            r"stems? from|which means|therefore|hence|explains?)\b",
            {"finding": 1.5},
        ),
        (
            r"\b(?:found|find|finds|notic(?:e|ed|es|ing)|identif(?:y|ied|ies)|discover(?:ed|s|y)?|"
            r"determin(?:ed|es)|reali[sz](?:ed?|es)|spotted|learn(?:ed|t)|reveal(?:ed|s)|diagnos\w+|"
            r"observ(?:e|ed|es|ing)|figured out|trac(?:ed|ked) (?:it )?(?:down|to)|pinpoint\w*)\b",
            {"finding": 1.4},
        ),
        (
            r"\b(?:looks? like|looks? as if|look(?:s|ed|ing)? to be|seems?|seemed|appears?|appeared|"
            r"apparently|suspect(?:s|ed|ing)?|suspicio\w+|hypothes\w+|theory|guess(?:ing)?|probably|"
            r"possibly|presumably|likely|might be|may be|must (?:be|have)|could be|turns? out|my bet|"
            r"i believe|we believe|evidently)\b",
            {"finding": 1.3},
        ),
        (
            r"\b(?:i|we) (?:can |could |do |did |also |only |now |just |don't |didn't )?(?:see|saw|think|"
            r"thought|believe|assume|noticed|expect)\b|\bi'm seeing\b|\bseeing\b",
            {"finding": 0.8},
        ),
        (
            r"\b(?:logs?|metrics?|graphs?|charts?|traces?|dashboards?|output|stack ?trace|exceptions?|"
            r"describe|events?) (?:\w+ ){0,3}(?:show(?:s|ed|ing|n)?|say(?:s|ing)?|suggest(?:s|ed)?|"
            r"indicat(?:e|es|ed|ing)|point(?:s|ed|ing)?|confirm(?:s|ed)?|contain(?:s|ed)?|list(?:s|ed)?)\b",
            {"finding": 1.5},
        ),
        (
            r"\b(?:shows?|showing|showed|indicat(?:es?|ed|ing)|suggest(?:s|ed|ing)|point(?:s|ed|"
            r"ing) (?:to|at)|evidence|correlat\w+|coincid\w+|consistent with|related to|unrelated|"
            r"ruled out|rules out|not the (?:cause|problem|issue))\b",
            {"finding": 1.0},
        ),
        (
            r"\b(?:exception|traceback|stack ?trace|oom(?:-?kill\w*)?|out of (?:memory|disk|space|"
            r"capacity|quota)|exhaust(?:ed|ion|ing)|no space left|disk (?:is )?full|memory leak|deadlock|"
            r"race condition|misconfigur\w+|expired|saturat\w+|throttled|segfault|leak(?:ed|ing|s)?|"
            r"crash ?loop\w*|null pointer|permission denied|bottleneck|regression|bug|typo)\b",
            {"finding": 1.0},
        ),
        (
            r"\b(?:wasn't|weren't|isn't|aren't|hasn't|haven't|didn't|doesn't|don't|never|no longer|not|"
            r"without) (?:\w+ ){0,2}(?:set|configured|exist|have|enough|enabled|running|been|match\w*|"
            r"expect\w*|support\w*|being|getting|using|includ\w+|there|any)\b",
            {"finding": 0.7},
        ),
        (
            r"\b(?:ran|runs|running|run) out\b|\bfull\b|\b(?:too many|too much|too large|too few|"
            r"not enough|insufficient|missing|wrong|incorrect|invalid|corrupt\w*|duplicate\w*|stale|old|"
            r"mismatch\w*)\b",
            {"finding": 0.7},
        ),
        (r"\b(?:since|when|after|before|while|until|every time|whenever|only)\b.{10,}", {"finding": 0.25}),
        (
            r"\bso (?:it|the|that|this|we|they|maybe|i guess)\b|\bit's (?:just |the |a |an |because |not |"
            r"only |using |trying |in )|\bthat's (?:the|a|why|because|how|what|where)\b|\bwhich (?:is|was|"
            r"are|were|has|had|means|would|caused)\b",
            {"finding": 0.6},
        ),
        (
            r"\b(?:accidental(?:ly)?|unintentional(?:ly)?|inadvertent(?:ly)?|unexpected(?:ly)?|by mistake|"
            r"mistakenly|human error|overwr\w+|introduced|deploy(?:ed|ment) (?:of|goes out|went out))\b",
            {"finding": 1.0},
        ),
        # question
        (r"\?(?:\s|$|[)\"'.!])", {"question": 1.2}),
        (r"\?\W*$", {"question": 1.3}),
        (
            r"(?:^|[.,;!?] |\b(?:and|but|so|or|hmm+|hey|wait|btw|also|ok) )(?:who|what|when|where|why|how|"
            r"which|is|are|was|were|does|do|did|has|have|had|should|any|anyone|anybody|would|could|can|"
            r"isn't|aren't|doesn't|don't|didn't)\b[^.!]*\?",
            {"question": 1.5},
        ),
        (
            r"\b(?:does anyone|anyone (?:know|have|else)|any (?:idea|ideas|clue|updates?|thoughts|chance|"
            r"objections?)|do we know|do you know|wonder(?:ing)?|curious|not sure (?:how|why|what|if|"
            r"whether|where)|don't know (?:how|why|what|if|where)|no idea (?:how|why|what))\b",
            {"question": 1.3},
        ),
        (
            r"\b(?:can|could) (?:you|someone|anyone|we) (?:\w+ )?(?:confirm|tell|check|explain|see|share|"
            r"say|remind|clarify|elaborate|point)\b",
            {"question": 0.9},
        ),
        # noise
        (
            r"^(?:thanks?|thank you|thx|ty|cheers|great|awesome|nice|cool|lol|haha\w*|heh|hah|wow|yay|"
            r"woo\w*|ouch|oops|whoops|sorry|np|no problem|no worries|welcome|morning|good (?:morning|"
            r"night|evening)|hi|hello|hey|bye|oof|ugh|yikes|sigh|sweet|perfect|congrats|damn|omg|wtf|fun|"
            r"right|indeed|true|exactly|heh|hm+|huh|ah+|oh+|whee+|yeah|yep|yup|ok|okay|k|kk|sure|nope|no|"
            r"yes)\b\W*$",
            {"noise": 4.5},
        ),
        (
            r"^(?:thanks?|thank you|thx|cheers|lol|haha\w*|heh|wow|oops|sorry|hi|hello|hey|"
            r"good (?:morning|night|job|work)|nice|ugh|oof|well done)\b",
            {"noise": 1.4},
        ),
        (
            r"\b(?:lol|haha\w*|rofl|lmao|thanks|thank you|kudos|no worries|coffee|lunch|dinner|beer|"
            r"weekend|bed|sleep|funny|joke|fun)\b|:\)|:p\b|;\)|:d\b",
            {"noise": 0.9},
        ),
        (
            r"\bhas (?:joined|left) the (?:channel|room|call)|\bset the channel\b|\bbrb\b|\bafk\b|"
            r"\bback in (?:a|\d+)\b",
            {"noise": 2.5},
        ),
    )
)
