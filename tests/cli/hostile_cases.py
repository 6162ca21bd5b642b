# SPDX-License-Identifier: Apache-2.0
"""The table of what a malicious KBS does, and of how a client must end. hostile-tests runs it."""
import gzip
import itertools
import json
import random
import time
from dataclasses import dataclass, field

import hostile_jose as jose
from hostile_jose import b64u, jwe, jwt
from hostile_kbs import chunk, chunked, honest, reply, reset

OK, NETWORK, TLS, ATTESTATION, POLICY, NOT_FOUND, PROTOCOL, INPUT = 0, 5, 6, 7, 8, 9, 11, 12

ERRORS = "https://github.com/confidential-containers/kbs/errors/"
MIB = 1 << 20


@dataclass
class Case:
    """answers: of the KBS, by stage (hostile_kbs.Kbs). programs: get, once, five (secrets), admin or verify.
    says: on standard error. file: what verify reads."""
    name: str
    rc: int
    answers: dict = field(default_factory=dict)
    programs: tuple = ("get",)
    says: str = ""
    timeout: int = 10
    tls: str = ""
    file: str = ""
    requests: int = 8  # at most
    secret: bytes = jose.SECRET


# --- answers ----------------------------------------------------------------------------------------

def refusal(status, variant="PolicyDeny", detail="Access denied", **members):
    return reply(status, {"type": ERRORS + variant, "detail": detail} | members)


def endless(start, unit):
    """start, and then unit until the client disconnects."""
    block = unit * max(1, 65536 // len(unit))
    return lambda _: itertools.chain([start], itertools.repeat(block))


def drip(data, seconds=0.2, start=b""):
    """start, and then one byte at a time."""
    return lambda _: itertools.chain([start], *((data[i:i + 1], seconds) for i in range(len(data))))


def later(data, seconds=30):
    """The client is left to wait after data."""
    return lambda _: iter((data, float(seconds)))


def delayed(seconds):
    return lambda request: iter((float(seconds), honest(request)))


def with_headers(*lines, before=b""):
    """The honest answer, with more header lines."""
    return lambda request: before + honest(request).replace(b"\r\n", b"\r\n" + b"".join(
        line.encode("latin-1") + b"\r\n" for line in lines), 1)


def body(data):
    return reply(200, data)


def tree(unit, size=1500000, start=b"[0", end=b"]"):
    """JSON of many small values."""
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


def challenge(**changes):
    return body(jose.changed({"nonce": "bm9uY2U", "extra-params": ""}, changes))


def ear(claims, **changes):
    return body({"token": jwt(claims, **changes)})


def sealed(**changes):
    return lambda request: body(jwe(request.jwk, **changes))


def edited(edit):
    """A correct JWE whose text is changed."""
    return lambda request: body(edit(jwe(request.jwk)))


def member(name, change):
    """A correct JWE with one member, as bytes, changed."""
    def answer(request):
        value = json.loads(jwe(request.jwk))
        value[name] = b64u(change(jose.unb64u(value[name])))
        return body(value)
    return answer


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def cookie_wanted(request):
    """The attestation is of the session that the cookie names."""
    return honest(request) if b"kbs-session-id=" in request.head else refusal(401, "AttestationError", "no cookie")


def session(attributes):
    return {"auth": lambda _: reply(200, {"nonce": "bm9uY2U", "extra-params": ""},
                                    [f"Set-Cookie: kbs-session-id=0123456789abcdef; {attributes}"]),
            "attest": cookie_wanted}


HONEST_AUTH = {"nonce": "bm9uY2U", "extra-params": ""}
HTML = (b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
        b"</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
TEXT = json.dumps(HONEST_AUTH).encode()
BOTH = ("get", "once")
NOW = int(time.time())
CLAIMS = {"iat": NOW, "exp": NOW + 1800}
EAR = {"eat_profile": "tag:github.com,2024:confidential-containers/Trustee", "iat": NOW, "exp": NOW + 1800,
       "ear.verifier-id": {"developer": "d", "build": "b"}, "submods": {"cpu0": {"ear.status": 2}}}
NOISE = random.Random(11).randbytes(3000)
# The generators of other curves.
P384 = {"kty": "EC", "crv": "P-384",
        "x": "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
        "y": "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"}
P521 = {"kty": "EC", "crv": "P-521",
        "x": "AMaFjga3BATpzZ4-y2YjlbRCnGSBOQU_tSH4KK9ga009uqFLXnfv51ko_h3BJ6L_qN4zSLPBhWpCm_l-fjHC5b1m",
        "y": "ARg5KWp4mjvABFyKX7QsfRvZmPVESVebRGgXr70XJz5mLJfucple9CZAxVC5AT-tB2E1PHCGonLCQIi-lHaf0WZQ"}


# --- HTTP -------------------------------------------------------------------------------------------

http = [
    Case("a connection that closes at once", NETWORK, {"connect": lambda _: b""}, BOTH),
    Case("a connection that is reset at once", NETWORK, {"connect": reset}),
    Case("a KBS that accepts and stays silent", NETWORK, {"connect": later(b"")}, BOTH, timeout=2),
    Case("silence after the request", NETWORK, {"auth": later(b"")}, timeout=2),
    Case("closed after the request", NETWORK, {"auth": b""}),
    Case("the banner of SSH", PROTOCOL, {"connect": lambda _: b"SSH-2.0-OpenSSH_9.9\r\n"}),
    Case("an answer of HTTP/0.9", PROTOCOL, {"auth": b"hello\r\n"}, BOTH),
    Case("a frame of HTTP/2", PROTOCOL, {"auth": b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"}),
    Case("random bytes", PROTOCOL, {"auth": NOISE}),
    Case("NUL bytes", PROTOCOL, {"auth": bytes(4096)}),
    Case("a status line that is cut", NETWORK, {"auth": b"HTTP/1.1 2"}),
    Case("headers that are cut", NETWORK, {"auth": b"HTTP/1.1 200 OK\r\nContent-Le"}),
    Case("a header that has no colon", PROTOCOL, {"auth": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"}),
    Case("a header with a NUL byte", PROTOCOL, {"auth": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"}),
    Case("status 000", PROTOCOL, {"auth": reply("000")}),
    Case("status 99999", PROTOCOL, {"auth": reply(99999)}),
    Case("a status that is no number", PROTOCOL, {"auth": reply("abc")}),
    Case("version 9.9 of HTTP", PROTOCOL, {"auth": b"HTTP/9.9 200 OK\r\n\r\n" + TEXT}),
    Case("an honest answer of HTTP/1.0 without a length", OK, {"auth": b"HTTP/1.0 200 OK\r\n\r\n" + TEXT}),
    Case("a body shorter than announced", NETWORK, {"auth": reply(200, TEXT, length=9999)}, BOTH),
    Case("the same, and silence", NETWORK, {"auth": later(reply(200, TEXT, length=9999))}, timeout=2),
    Case("a body longer than announced", PROTOCOL, {"auth": reply(200, TEXT, length=10)}),
    Case("two different lengths", PROTOCOL, {"auth": reply(200, TEXT, ["Content-Length: 5"])}, BOTH,
         says="two lengths"),
    Case("an honest answer with the same length twice", OK,
         {"auth": reply(200, TEXT, [f"Content-Length: {len(TEXT)}"])}),
    Case("a negative length", PROTOCOL, {"auth": reply(200, TEXT, length=-1)}),
    Case("a length over 64 bits", PROTOCOL, {"auth": reply(200, TEXT, length="9" * 30)}),
    Case("a length of 4 EiB", NETWORK, {"auth": reply(200, TEXT, length=1 << 62)}),
    Case("a length that is no number", PROTOCOL, {"auth": reply(200, TEXT, length="many")}),
    Case("a body of 5 MiB", PROTOCOL, {"auth": reply(200, bytes(5 * MIB))}, BOTH, says="answer over 1572864 bytes"),
    Case("a body without end", PROTOCOL, {"auth": endless(reply(200, length=""), b"x")}, BOTH, says="answer over"),
    Case("a secret without end", PROTOCOL, {"resource": endless(reply(200, length=""), b'{"a":[')}, BOTH),
    Case("chunks of one byte, without end", PROTOCOL, {"auth": endless(chunked(), chunk(b"x"))}, says="answer over"),
    Case("an honest answer in chunks of one byte", OK,
         {"auth": chunked(*[chunk(TEXT[i:i + 1]) for i in range(len(TEXT))], b"0\r\n\r\n")}),
    Case("a chunk of 2^64-1 bytes", NETWORK, {"auth": chunked(chunk(TEXT, 2**64 - 1))}),
    Case("a chunk of 2^72 bytes", PROTOCOL, {"auth": chunked(chunk(TEXT, 2**72))}),
    Case("a chunk of a negative size", PROTOCOL, {"auth": chunked(b"-5\r\n" + TEXT + b"\r\n")}),
    Case("a chunk whose size is no number", PROTOCOL, {"auth": chunked(b"zz\r\n" + TEXT + b"\r\n")}),
    Case("a chunk that is cut", NETWORK, {"auth": chunked(chunk(TEXT, 9999))}),
    Case("no last chunk", NETWORK, {"auth": chunked(chunk(TEXT))}),
    Case("a size of a chunk with 1 MiB of zeros", PROTOCOL, {"auth": chunked(b"0" * MIB + b"1\r\nx\r\n")}),
    Case("trailers without end", PROTOCOL, {"auth": endless(chunked(chunk(TEXT), b"0\r\n"), b"X: y\r\n")}, timeout=4),
    Case("an extension of a chunk without end", PROTOCOL, {"auth": endless(chunked(b"5;"), b"x")}, timeout=4),
    Case("headers without end", PROTOCOL, {"auth": endless(b"HTTP/1.1 200 OK\r\n", b"X-A: y\r\n")}, BOTH),
    Case("a header line without end", PROTOCOL, {"auth": endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"y")}),
    Case("a header of 200 KB", PROTOCOL, {"auth": with_headers("X-A: " + "y" * 200000)}),
    Case("a status line without end", PROTOCOL, {"auth": endless(b"HTTP/1.1 200 ", b"y")}),
    Case("a reason without end of the line", PROTOCOL, {"auth": reply(200, TEXT)[:20] + b"\x1b[2J" * 60000}),
    Case("3,000 cookies", OK, {"auth": with_headers(*[f"Set-Cookie: c{i}=v" for i in range(3000)])}, BOTH),
    Case("a cookie of 90 KB", OK, {"auth": with_headers("Set-Cookie: c=" + "v" * 90000)}),
    Case("informational answers without end", PROTOCOL, {"auth": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n")},
         BOTH, timeout=2),
    Case("ten early hints, and the honest answer", OK,
         {"auth": lambda r: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 10 + honest(r)}),
    Case("status 101", PROTOCOL, {"auth": b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"},
         timeout=3),
    Case("status 204", PROTOCOL, {"auth": reply(204, length="")}),
    Case("status 206", PROTOCOL, {"auth": reply(206, TEXT, ["Content-Range: bytes 0-1/9"])}),
    Case("status 304", PROTOCOL, {"auth": reply(304, length="")}),
    Case("a redirect to http", PROTOCOL, {"auth": reply(307, b"", ["Location: http://127.0.0.1:1/"])}, BOTH,
         says="redirect"),
    Case("a redirect to a file", PROTOCOL, {"auth": reply(302, b"", ["Location: file:///etc/passwd"])}),
    Case("a redirect to itself", PROTOCOL, {"auth": reply(308, b"", ["Location: /kbs/v0/auth"])}, requests=1),
    Case("a secret that is redirected", PROTOCOL, {"resource": reply(301, b"", ["Location: http://127.0.0.1:1/"])}),
    Case("a compressed answer, which was not asked for", PROTOCOL,
         {"auth": reply(200, gzip.compress(TEXT), ["Content-Encoding: gzip"])}),
    Case("64 MiB, compressed", PROTOCOL,
         {"auth": reply(200, gzip.compress(bytes(64 * MIB), 1), ["Content-Encoding: gzip"])}),
    Case("a transfer encoding of gzip", PROTOCOL,
         {"auth": reply(200, gzip.compress(TEXT), ["Transfer-Encoding: gzip"], length="")}),
    Case("an answer with both length and chunks", PROTOCOL,
         {"auth": reply(200, chunk(TEXT) + b"0\r\n\r\n", ["Transfer-Encoding: chunked"], length=3)}),
    Case("a header name that ends with a space", PROTOCOL,
         {"auth": reply(200, TEXT, ["Content-Length : 5"], length="")}),
    Case("5,000 header lines", PROTOCOL, {"auth": with_headers(*["A: b"] * 5000)}),
    Case("headers, one byte at a time", NETWORK, {"auth": drip(reply(200, TEXT))}, BOTH, timeout=2),
    Case("a body, one byte at a time", NETWORK, {"auth": drip(b" " * 99, start=reply(200, length=99))}, timeout=2),
    Case("a body, one byte a second", NETWORK, {"auth": drip(b" " * 99, 1.0, reply(200, length=99))}, timeout=3),
    Case("an honest answer after 33 seconds of silence", OK, {"auth": delayed(33)}, BOTH, timeout=60),
    Case("an honest answer with headers that mislead", OK,
         {"auth": with_headers("Location: http://127.0.0.1:1/", "Alt-Svc: h3=\":1\"",
          "Refresh: 0;url=http://127.0.0.1:1/",
                               "Strict-Transport-Security: max-age=9", "Upgrade: h2c", "Content-Type: text/html",
                               "Content-Type: image/png", "Date: Thu, 01 Jan 1970 00:00:00 GMT", " folded: line")}),
]

# --- cookies ----------------------------------------------------------------------------------------

cookies = [
    Case("a cookie that expired in 1970", OK, session("Expires=Thu, 01 Jan 1970 00:00:01 GMT")),
    Case("a cookie that expired an hour ago", OK,
         session(time.strftime("Expires=%a, %d %b %Y %H:%M:%S GMT", time.gmtime(NOW - 3600))), BOTH),
    Case("a cookie of the year 9999", OK, session("Expires=Fri, 31 Dec 9999 23:59:59 GMT")),
    Case("a cookie with an age of 2^70 seconds", OK, session(f"Max-Age={2**70}")),
    Case("a cookie whose date is no date", OK, session("Expires=yesterday")),
    Case("a cookie for another domain, which changes nothing: there is one KBS", OK, session("Domain=example.com")),
]

# --- JSON of the challenge --------------------------------------------------------------------------

challenges = [
    Case(f"a challenge that is {what}", PROTOCOL, {"auth": body(data)}, says="challenge: ") for what, data in [
        ("empty", b""), ("a page", HTML), ("text", b"OK"), ("a list", b"[]"), ("null", b"null"), ("a string", b'"x"'),
        ("cut within a name", TEXT[:4]), ("cut within a string", TEXT[:12]), ("cut before its end", TEXT[:-1]),
        ("followed by another", TEXT * 2), ("UTF-16", TEXT.decode().encode("utf-16")),
        ("not UTF-8", TEXT.replace(b"bm9", b"\xff\xfe")), ("of overlong UTF-8", TEXT.replace(b"bm9", b"\xc0\xaf")),
        ("with a surrogate", TEXT.replace(b"bm9", b"\xed\xa0\x80")), ("with a NUL byte", TEXT.replace(b"bm9", b"\0")),
        ("with an escaped NUL", TEXT.replace(b"bm9", b"\\u0000")), ("with a BOM", b"\xef\xbb\xbf" + TEXT),
        ("with a member twice", TEXT.replace(b"{", b'{"nonce":"x",', 1)),
        ("nested 65 deep", TEXT.replace(b'""', b"[" * 64 + b"]" * 64)),
        ("nested 100,000 deep", b"[" * 100000), ("with brackets never closed", b'{"a":' * 10000),
        ("with a number too large", b'{"nonce":1e999}'),
        ("with 20,000 members", b"{" + b",".join(b'"%d":0' % i for i in range(5000)) + b"}" + b" " * 30000),
        ("a string of 1.5 MB", b'{"nonce":"' + b"x" * 1500000 + b'"}'),
        ("white space", b" " * 1500000),
    ]
] + [
    Case("a challenge of 1.5 MB of {}", PROTOCOL, {"auth": body(tree(b",{}"))}, BOTH,
         says="challenge: JSON of more than"),
    Case("a challenge of 64 KiB of {}", PROTOCOL, {"auth": body(tree(b",{}", 65536))}, BOTH, says="of memory"),
    Case("a nonce that is missing", PROTOCOL, {"auth": challenge(nonce=None)}, says="nonce: missing"),
    Case("a nonce that is a number", PROTOCOL, {"auth": challenge(nonce=7)}, says="nonce: not a string"),
    Case("an empty nonce", PROTOCOL, {"auth": challenge(nonce="")}),
    Case("a nonce of 257 characters", PROTOCOL, {"auth": challenge(nonce="x" * 257)}),
    Case("a nonce of control characters, which is opaque", OK,
         {"auth": challenge(nonce="\x1b[2J\"\\\r\n\u202e\u2028")}),
    Case("a nonce that is always the same, which the verifier judges", OK, {"auth": challenge()}),
    Case("an unknown hash algorithm", PROTOCOL,
         {"auth": challenge(**{"extra-params": {"selected-hash-algorithm": "md5\x1b[31m"}})}, says="unknown: md5?[31m"),
    Case("a hash algorithm that is a list", PROTOCOL,
         {"auth": challenge(**{"extra-params": {"selected-hash-algorithm": []}})}),
    Case("no parameters", PROTOCOL, {"auth": challenge(**{"extra-params": None})}),
]

# --- refusals ---------------------------------------------------------------------------------------

refusals = [
    Case("a denial by policy", POLICY, {"resource": refusal(401)}, BOTH, says="HTTP 401 PolicyDeny: Access denied"),
    Case("a denial with terminal escapes", POLICY,
         {"resource": refusal(401, detail="\x1b]0;x\x07\x1b[2J\r\nroot#\u009b31m\u202e\u200b")}, BOTH,
          says="PolicyDeny: ?]0;x?"),
    Case("a denial whose type has escapes", ATTESTATION, {"resource": refusal(401, "\x1b[31mX")},
         says="HTTP 401 ?[31mX"),
    Case("a denial with a detail of 60 KB", POLICY, {"resource": refusal(401, detail="d" * 60000)}),
    Case("a denial with a BOM", POLICY, {"resource": reply(401, b"\xef\xbb\xbf" + refusal(401).split(b"\r\n\r\n")[1])}),
    Case("a denial in Latin-1", POLICY, {"resource": reply(401, b'{"type":"PolicyDeny","detail":"d\xe9ni"}')},
         says="PolicyDeny: d?ni"),
    Case("a denial with NUL in a member nobody reads", POLICY, {"resource": refusal(401, x="\0")}, says="PolicyDeny"),
    Case("a denial of 1.5 MB of {}", ATTESTATION, {"resource": reply(401, tree(b",{}"))}, BOTH,
         says="HTTP 401: [0,{},{}"),
    Case("a denial nested 60,000 deep", ATTESTATION, {"resource": reply(401, b"[" * 60000)}),
    Case("an EAR that is refused again and again", ATTESTATION, {"resource": refusal(401, "TokenVerifierError")}, BOTH,
         requests=6),
    Case("a refused attestation", ATTESTATION, {"attest": refusal(401, "AttestationError", "E_BINDING")}, BOTH,
         says="AttestationError: E_BINDING"),
    Case("a missing resource, as a page", NOT_FOUND, {"resource": reply(404, HTML)}, says="(HTTP 404: 502 Bad Gateway"),
] + [
    Case(f"status {status} with a reason as {what}", rc, {"resource": reply(status, data)}, says=says)
    for status, rc in [(400, PROTOCOL), (403, POLICY), (405, PROTOCOL), (413, INPUT), (429, NETWORK), (500, NETWORK),
                       (502, NETWORK), (503, NETWORK)]
    for what, data, says in [("JSON", refusal(0).split(b"\r\n\r\n")[1], f"HTTP {status} PolicyDeny: Access denied"),
                             ("text", b"no \x1b[1mhealthy\0 upstream", f"HTTP {status}: no ?[1mhealthy? upstream"),
                             ("a page", HTML, f"HTTP {status}: 502 Bad Gateway 502 Bad Gateway nginx")]
    if what != "a page" or status == 502
] + [
    Case("a busy KBS that asks for time", NETWORK, {"resource": reply(503, b"", ["Retry-After: 7"])},
         says="; the KBS asks to wait 7 s"),
    Case("a KBS that asks for a thousand years", NETWORK, {"auth": reply(429, b"", ["Retry-After: 31556952000"])},
         says="; the KBS asks to wait 86400 s"),
    Case("a KBS that asks to wait until a date", NETWORK,
         {"attest": reply(503, b"", ["Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"])}, says="HTTP 503"),
    Case("an administrator is refused", POLICY, {"admin": refusal(401, "AdminAuth", "who?")}, ("admin",), says="who?"),
    Case("an administrator meets a page", NETWORK, {"admin": reply(502, HTML)}, ("admin",),
         says="502 Bad Gateway nginx"),
    Case("an administrator is redirected", PROTOCOL, {"admin": reply(301, b"", ["Location: http://127.0.0.1:1/"])},
         ("admin",), requests=1),
    Case("an administrator gets 5 MiB", PROTOCOL, {"admin": reply(200, bytes(5 * MIB))}, ("admin",)),
]

# --- EARs, which the KBS itself judges ---------------------------------------------------------------

ears = [
    Case(f"an EAR that is {what}", PROTOCOL, {"attest": body({"token": value})}, says="attest: ") for what, value in [
        ("a number", 7), ("a list", []), ("null", None), ("empty", ""), ("not a JWT", "abc"),
        ("of four parts", "a.b.c.d"),
        ("with line ends, to add a header", jwt(CLAIMS) + "\r\nX: y"), ("with a space", jwt(CLAIMS) + " x"),
        ("of 300 KB", "a.b." + "c" * 300000), ("not base64", "!.!.!"), ("without JSON", "YQ.YQ.YQ"),
        ("of claims that are a list", jwt(b"[]")), ("cut", jwt(CLAIMS)[:60]),
        ("of claims nested 100 deep", jwt(b'{"a":' * 100 + b"0" + b"}" * 100)),
        ("180 KB of {}", jwt(tree(b",{}", 180000, b'{"a":[0', b"]}"))),
        ("with a header of 60 KB of {}", jwt(CLAIMS, {"x": [{}] * 15000})),
    ]
] + [
    Case("an answer without an EAR", PROTOCOL, {"attest": body({})}, says="attest: token: missing"),
    Case("an answer of 1.5 MB of {} for an EAR", PROTOCOL, {"attest": body(tree(b",{}"))}, BOTH),
    Case("an answer of 500 KB of {} for an EAR", PROTOCOL, {"attest": body(tree(b",{}", 500000))}, BOTH,
         says="of memory"),
] + [
    Case(f"an EAR {what}, which the KBS accepts", OK, {"attest": ear(claims, **changes)}) for what, claims, changes in [
        ("without a signature", CLAIMS, {"header": {"alg": "none"}, "sign": lambda _: b""}),
        ("signed by HS256", CLAIMS, {"header": {"alg": "HS256"}, "sign": lambda text: jose.hs256(text, b"k")}),
        ("of 1970", {"iat": 0, "exp": 1800}, {}), ("of the year 292277026596", {"iat": 2**62, "exp": 2**62 + 9}, {}),
        ("that expires in 1e308 s", b'{"iat":0,"exp":1e308}', {}),
        ("with times before 1970", {"iat": -9, "exp": -1}, {}),
        ("whose times are text", {"iat": "now", "exp": "later"}, {}),
        ("that ends before it begins", {"iat": 9, "exp": 1}, {}),
        ("without times", {}, {}),
    ]
] + [
    Case(f"five secrets with an EAR {what}", OK, {"attest": ear(claims)}, ("five",), requests=requests)
    for what, claims, requests in [
        ("whose times have fractions", {"iat": NOW + 0.25, "exp": NOW + 1800.5}, 7),
        ("of 1970", {"iat": 0, "exp": 1800}, 7),
        ("of the far future", {"iat": 2**52, "exp": 2**52 + 1800}, 7), ("without times", {}, 15)]
]

# --- secrets ----------------------------------------------------------------------------------------

MEMBERS = ("protected", "encrypted_key", "iv", "ciphertext", "tag")
X, Y = (b64u(n.to_bytes(32, "big")) for n in jose.G)
BIG = b64u((jose.G[0] + jose.P).to_bytes(33, "big"))


def epk(**changes):
    return sealed(epk=jose.changed({"kty": "EC", "crv": "P-256", "x": X, "y": Y}, changes))


def header(**changes):
    return sealed(header=changes)


secrets = [
    Case(f"a secret {what}", PROTOCOL, {"resource": answer}, says="JWE") for what, answer in [
        ("in plain text", body(jose.SECRET)), ("that is empty", body(b"")), ("that is a page", body(HTML)),
        ("that is a list", body(b"[]")), ("as compact JWE", body(b"eyJhbGciOiJFQ0RILUVTIn0.a.b.c.d")),
        ("of 1.5 MB of {}", body(tree(b",{}"))), ("of 1.5 MB of {\"\":0}", body(tree(b',{"":0}'))),
        ("whose header is 60 KB of {}", sealed(members={"protected": b64u(tree(b",{}", 45000, b'{"a":[0', b"]}"))})),
        ("whose header is nested 10,000 deep", sealed(members={"protected": b64u(b"[" * 10000)})),
        ("nested 100,000 deep", body(b'{"protected":' * 100000)),
        ("for many recipients", edited(lambda text: json.dumps({"recipients": [json.loads(text)] * 100}).encode())),
        ("for another key", lambda _: body(jwe(jose.SIGNER_JWK))),
        ("whose key is wrapped by ECDH-ES alone", sealed(kdf="A256GCM")),
        ("with a key of 128 bits", sealed(cek=bytes(32), members={"encrypted_key": b64u(bytes(24))})),
        ("with duplicate members", edited(lambda text: text.replace(b"{", b'{"tag":"",', 1))),
        ("of 1.1 MB", sealed(plain=bytes(1100000))), ("with an aad", sealed(members={"aad": "AAAA"})),
        ("with a header that is not JSON", sealed(members={"protected": b64u(b"{")})),
        ("with a header that is a list", sealed(members={"protected": b64u(b"[]")})),
        ("with an alg outside of the protected header",
         sealed(header={"alg": None}, members={"unprotected": {"alg": "ECDH-ES+A256KW"}})),
        ("with zip outside of it", sealed(members={"unprotected": {"zip": "DEF"}})),
        ("with crit outside of it", sealed(members={"header": {"crit": ["x"]}})),
    ]
] + [Case(f"a secret cut at {part} of 10", PROTOCOL,
          {"resource": edited(lambda text, part=part: text[:len(text) * part // 10])})
     for part in range(1, 10)
] + [Case(f"a secret whose header says {name} {json.dumps(value)}", PROTOCOL, {"resource": header(**{name: value})},
          says="JWE")
     for name, value in [
         ("alg", None), ("alg", 7), ("alg", "none"), ("alg", "dir"), ("alg", "ECDH-ES"), ("alg", "ECDH-ES+A128KW"),
         ("alg", "RSA-OAEP-256"), ("alg", "RSA1_5"), ("alg", "A256KW"),
         ("alg", "PBES2-HS256+A128KW\x1b[2J"), ("enc", None), ("enc", "none"),
         ("enc", "A128GCM"), ("enc", "A256CBC-HS512"), ("enc", []),
         ("crit", ["exp"]), ("zip", "DEF"), ("apu", "AAAA"), ("apv", "AAAA")]
] + [Case(f"a secret {what} {name}", PROTOCOL, {"resource": sealed(members={name: value})}, says="JWE")
     for name in MEMBERS
     for what, value in [("without", None), ("with a number as", 7), ("with bad base64 in", "!!!!"),
                         ("with an empty", "")]
] + [Case(f"a secret whose {name} is {what}", PROTOCOL, {"resource": member(name, change)}, says="JWE")
     for name, what, change in [
         ("tag", "wrong", flipped), ("tag", "zero", lambda tag: bytes(16)), ("tag", "of 4 bytes", lambda tag: tag[:4]),
         ("tag", "of 12 bytes", lambda tag: tag[:12]), ("tag", "of 17 bytes", lambda tag: tag + b"\0"),
         ("iv", "wrong", flipped), ("iv", "of 8 bytes", lambda iv: iv[:8]),
         ("iv", "of 16 bytes", lambda iv: iv + iv[:4]),
         ("ciphertext", "changed", flipped), ("ciphertext", "cut", lambda text: text[:-1]),
         ("ciphertext", "longer", lambda text: text + b"\0"), ("encrypted_key", "wrong", flipped),
         ("encrypted_key", "cut", lambda key: key[:-8]), ("encrypted_key", "of 1 MB", lambda key: bytes(1000000)),
         ("protected", "formatted in another way", lambda text: text.replace(b", ", b","))]
] + [Case(f"an ephemeral key {what}", PROTOCOL, {"resource": answer}, says="JWE") for what, answer in [
        ("of P-384", sealed(epk=P384)), ("of P-521", sealed(epk=P521)),
        ("not on the curve", epk(y=b64u(bytes(31) + b"\1"))),
        ("of zeros", epk(x=b64u(bytes(32)), y=b64u(bytes(32)))), ("on the curve, with x + p", epk(x=BIG)),
        ("of P-384's name and P-256's point", epk(crv="P-384")),
        ("of an unknown curve", epk(crv="P-111\x1b[2J")), ("without y", epk(y=None)),
        ("with an x of 64 KB", epk(x="A" * 60000)),
        ("of RSA", epk(kty="RSA", n=X, e="AQAB")),
        ("of X25519", epk(kty="OKP", crv="X25519")), ("that is another's", epk()), ("that is a list", sealed(epk=[1])),
        ("that is missing", header(epk=None))]
] + [
    Case("an honest secret", OK, {}, BOTH),
    Case("an honest secret of 1 MiB", OK, {"resource": sealed(plain=b"s" * MIB)}, BOTH, secret=b"s" * MIB),
    Case("a secret of no bytes", OK, {"resource": sealed(plain=b"")}, secret=b""),
    Case("a secret of all bytes", OK, {"resource": sealed(plain=bytes(range(256)))}, secret=bytes(range(256))),
    Case("an honest secret with members that nobody reads", OK,
         {"resource": sealed(header={"typ": "x" * 9000}, members={"x": [{}] * 1000})}),
]

# --- TLS --------------------------------------------------------------------------------------------

ALERT = b"\x15\3\3\0\2\2\x28"
SERVER_HELLO = b"\x16\3\3\0\x7a\2\0\0\x76\3\3" + bytes(32)


def after_hello(answer):
    """What follows the client's first message."""
    def play(sock):
        sock.recv(65536)
        return answer(None) if callable(answer) else answer
    return play


tls = [
    Case("an honest KBS with TLS", OK, {}, BOTH, tls="good"),
    Case("an honest KBS with an Ed25519 key", OK, {}, tls="ed25519"),
    Case("a redirect from https to http", PROTOCOL, {"auth": reply(307, b"", ["Location: http://127.0.0.1:1/"])}, BOTH,
         tls="good", says="redirect"),
    Case("a secret redirected from https to http", PROTOCOL,
         {"resource": reply(302, b"", ["Location: http://127.0.0.1:1/"])}, tls="good"),
    Case("a body cut under TLS", NETWORK, {"auth": reply(200, TEXT, length=9999)}, tls="good"),
    Case("a body without length, cut under TLS", NETWORK, {"auth": reply(200, TEXT[:9], length="")}, tls="good"),
] + [Case(f"a certificate {what}", TLS, {}, programs, tls=name, requests=0) for what, name, programs in [
        ("for another host", "host", BOTH), ("that expired", "expired", BOTH),
        ("that is not valid yet", "future", BOTH),
        ("signed by itself", "self", BOTH), ("of another CA", "other", ("get",)), ("with a weak key", "weak", ("get",)),
        ("for clients only", "client", ("get",)), ("with an Ed448 key", "ed448", BOTH)]
] + [
    Case("TLS 1.1", TLS, {}, BOTH, tls="old", requests=0),
    Case("a TLS handshake closed after the client's hello", NETWORK, {"connect": after_hello(b"")}, BOTH, tls="good"),
    Case("a TLS handshake that is reset", NETWORK, {"connect": lambda sock: sock.recv(99999) and reset(sock)},
         tls="good"),
    Case("a TLS alert", TLS, {"connect": after_hello(ALERT)}, tls="good"),
    Case("a server hello that is cut", NETWORK, {"connect": after_hello(SERVER_HELLO)}, tls="good"),
    Case("TLS records of noise", TLS, {"connect": after_hello(b"\x16\3\3\x0b\xb8" + NOISE)}, tls="good"),
    Case("a TLS record of 64 KiB", TLS, {"connect": after_hello(b"\x16\3\3\xff\xff" + bytes(65535))}, tls="good"),
    Case("a handshake message of 16 MiB", TLS,
         {"connect": after_hello(endless(b"\x16\3\3\x40\0\2\xff\xff\xff" + bytes(0x4000 - 4),
          b"\x16\3\3\x40\0" + bytes(0x4000)))},
         BOTH, tls="good", timeout=4),
    Case("TLS warnings without end", TLS, {"connect": after_hello(endless(b"", b"\x15\3\3\0\2\1\0"))}, tls="good",
         timeout=4, says="the KBS closed it"),
    Case("plain HTTP at the port of https", TLS, {"connect": after_hello(reply(200, TEXT))}, tls="good"),
    Case("silence after the client's hello", NETWORK, {"connect": after_hello(later(b""))}, BOTH, tls="good",
         timeout=2),
    Case("a handshake, one byte at a time", NETWORK, {"connect": after_hello(drip(SERVER_HELLO))}, tls="good",
         timeout=2),
    Case("a handshake that begins after 17 seconds", OK, {"connect": None}, tls="slow", timeout=60),
]

# --- tokens as files --------------------------------------------------------------------------------

PUBLIC = json.dumps(jose.SIGNER_JWK).encode()


def signed(change):
    return jwt(EAR, sign=lambda text: change(jose.es256(text)))


tokens = [Case(what, rc, {}, ("verify",), file=token) for what, rc, token in [
    ("an honest EAR", OK, jwt(EAR)),
    ("an EAR whose times have fractions", OK, jwt(EAR | {"iat": NOW - 0.75, "exp": NOW + 1800.5, "nbf": NOW - 0.5})),
    ("alg none without a signature", ATTESTATION, jwt(EAR, {"alg": "none"}, lambda _: b"")),
    ("alg None with another case", ATTESTATION, jwt(EAR, {"alg": "nOnE"}, lambda _: b"")),
    ("ES256 without a signature", ATTESTATION, signed(lambda _: b"")),
    ("HS256 with the public key as secret", ATTESTATION, jwt(EAR, {"alg": "HS256"},
     lambda text: jose.hs256(text, PUBLIC))),
    ("alg ES384 with a key of P-256", ATTESTATION, jwt(EAR, {"alg": "ES384"})),
    ("alg EdDSA with a key of P-256", ATTESTATION, jwt(EAR, {"alg": "EdDSA"})),
    ("alg RS256 with a key of P-256", ATTESTATION, jwt(EAR, {"alg": "RS256"})),
    ("a header without alg", ATTESTATION, jwt(EAR, {"alg": None})),
    ("an alg that is a list", ATTESTATION, jwt(EAR, {"alg": ["ES256"]})),
    ("a signature of zeros", ATTESTATION, signed(lambda _: bytes(64))),
    ("a signature of r = s = n", ATTESTATION, signed(lambda _: jose.N.to_bytes(32, "big") * 2)),
    ("a signature that is cut", ATTESTATION, signed(lambda value: value[:-1])),
    ("a signature that is longer", ATTESTATION, signed(lambda value: value + b"\0")),
    ("a signature by another key", ATTESTATION, jwt(EAR, sign=lambda text: jose.es256(text, 7))),
    ("a key of its own in the header", ATTESTATION,
     jwt(EAR, {"jwk": jose.jwk_of(jose.multiply(7, jose.G))}, lambda text: jose.es256(text, 7))),
    ("crit", ATTESTATION, jwt(EAR, {"crit": ["b64"], "b64": False})),
    ("expired an hour ago", ATTESTATION, jwt(EAR | {"exp": NOW - 3600})),
    ("expired in 1970", ATTESTATION, jwt(EAR | {"exp": 0})),
    ("issued in an hour", ATTESTATION, jwt(EAR | {"iat": NOW + 3600})),
    ("issued in the year 9999", ATTESTATION, jwt(EAR | {"iat": 253402300799})),
    ("valid from tomorrow", ATTESTATION, jwt(EAR | {"nbf": NOW + 86400})),
    ("times that are text", ATTESTATION, jwt(EAR | {"exp": "tomorrow"})),
    ("a time of -1e308", ATTESTATION, jwt(json.dumps(EAR | {"exp": -1e308}).encode())),
    ("claims that are a list", INPUT, jwt(b"[]")),
    ("claims nested 10,000 deep", INPUT, jwt(b"[" * 10000)),
    ("claims of 180 KB of {}", INPUT, jwt(tree(b",{}", 180000, b'{"a":[0', b"]}"))),
    ("a file of 5 MiB", INPUT, "a" * 5 * MIB),
    ("no segments", INPUT, "abc"),
    ("five segments, a JWE", INPUT, "a.b.c.d.e"),
]]

CASES = http + cookies + challenges + refusals + ears + secrets + tls + tokens
