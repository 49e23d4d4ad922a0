"""Verifies all DKIM signatures of the message on standard input with dkimpy, keys from the resolver at 127.0.0.1:PORT.

Prints what it finds as JSON: for each signature, the uppermost first, its domain, selector and algorithm, and whether it holds.
"""

import json
import sys

import dkim
import dns.resolver

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["127.0.0.1"]
resolver.port = int(sys.argv[1])


def txt(name, timeout=5):
    try:
        answer = resolver.resolve(name.decode().rstrip("."), "TXT", lifetime=timeout)
        return b"".join(answer[0].strings)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None


message = sys.stdin.buffer.read()
verifier = dkim.DKIM(message, minkey=1024)
count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
found = []
for index in range(count):
    try:
        holds, problem = verifier.verify(index, dnsfunc=txt), None
    except dkim.DKIMException as error:
        holds, problem = False, str(error)
    fields = {name: value.decode() for name, value in verifier.signature_fields.items()}
    found.append({"domain": fields.get(b"d"), "selector": fields.get(b"s"), "algorithm": fields.get(b"a"), "holds": holds, "problem": problem})
print(json.dumps(found))
