"""Where the world comes in: our own routes on Ocean's router.

Ocean's webhook route answers 200 before it verifies, parses JSON only and cannot answer a challenge;
these verify on the raw body, fail closed, and hand on.
"""
