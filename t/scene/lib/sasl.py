# SPDX-License-Identifier: MIT
"""sasl: the client's side of PLAIN, SCRAM (RFC 4616, 5802, 7677) and HT (draft-schmaus-kitten-sasl-ht-09),
without SASLprep: names and passwords of scenes are ASCII."""

import base64
import hashlib
import hmac
import os

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
# Best last; a -PLUS form counts as its plain form plus channel binding.
PREFERENCE = ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-256"]


class SaslError(Exception):
    """The server did not prove that it knows the password, or spoke nonsense."""


class Plain:
    def __init__(self, user, password):
        self.user, self.password = user, password

    def first(self):
        return f"\0{self.user}\0{self.password}".encode()

    def challenge(self, _data):
        raise SaslError("a challenge in PLAIN")

    def success(self, data):
        if data:
            raise SaslError("data with the success of PLAIN")


class Scram:
    def __init__(self, mechanism, user, password, binding=None):
        self.hash = HASHES[mechanism.removesuffix("-PLUS")]
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.password = password.encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={name},r={self.nonce}"
        self.gs2, self.binding = (b"n,,", b"") if binding is None else (
            f"p={binding[0]},,".encode(), binding[1])
        self.signature = None

    def first(self):
        return self.gs2 + self.bare.encode()

    def challenge(self, data):
        server_first = data.decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        if not fields["r"].startswith(self.nonce) or fields["r"] == self.nonce:
            raise SaslError("the server's nonce does not continue ours")
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, base64.b64decode(fields["s"]),
                                     int(fields["i"]))
        final = "c=%s,r=%s" % (base64.b64encode(self.gs2 + self.binding).decode(), fields["r"])
        signed = f"{self.bare},{server_first},{final}".encode()
        client = hmac.digest(salted, b"Client Key", self.hash)
        proof = hmac.digest(hashlib.new(self.hash, client).digest(), signed, self.hash)
        proof = bytes(a ^ b for a, b in zip(client, proof))
        self.signature = hmac.digest(hmac.digest(salted, b"Server Key", self.hash), signed,
                                     self.hash)
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def success(self, data):
        if data != b"v=" + base64.b64encode(self.signature or b""):
            raise SaslError("the server's signature is wrong")


class HashedToken:
    def __init__(self, user, token, binding=None):
        self.user, self.token = user, token.encode()
        self.binding = binding[1] if binding else b""

    def mac(self, who):
        return hmac.digest(self.token, who + self.binding, "sha256")

    def first(self):
        return self.user.encode() + b"\0" + self.mac(b"Initiator")

    def challenge(self, _data):
        raise SaslError("a challenge in HT")

    def success(self, data):
        if data != self.mac(b"Responder"):
            raise SaslError("the server has not proved that it knows the token")


def salted(name, password, salt, iterations):
    """SCRAM's SaltedPassword, for XEP-0480."""
    return hashlib.pbkdf2_hmac(name, password.encode(), base64.b64decode(salt), int(iterations))


def import_line(name, password, only):
    """For `user import --verifiers`: an account that has nothing but the hash `only`."""
    salt, keys = os.urandom(16), []
    for of in HASHES.values():
        digest = hashlib.pbkdf2_hmac(of, password.encode(), salt, 4096)
        stored = hashlib.new(of, hmac.digest(digest, b"Client Key", of)).digest()
        pair = (stored, hmac.digest(digest, b"Server Key", of))
        keys += [base64.b64encode(k).decode() if of == HASHES[only] else "-" for k in pair]
    return f"{name} 4096 {base64.b64encode(salt).decode()} {' '.join(keys)}\n"


def named(mechanism, user, secret, binding=None):
    """One mechanism, by its name. HT's secret is a token."""
    if mechanism == "PLAIN":
        return Plain(user, secret)
    if mechanism.startswith("HT-"):
        return HashedToken(user, secret, binding if mechanism.endswith("-ENDP") else None)
    return Scram(mechanism, user, secret, binding if mechanism.endswith("-PLUS") else None)


def choose(offered, wanted, user, password, binding=None):
    """The mechanism object and its name: the wanted one, or the best that both know."""
    plus = [] if binding is None else [m + "-PLUS" for m in PREFERENCE[1:]]
    known = [wanted] if wanted else PREFERENCE + plus
    usable = [m for m in known if wanted or m in offered]
    if not usable:
        raise SaslError(f"no mechanism in common: {', '.join(offered) or 'none offered'}")
    return named(usable[-1], user, password, binding), usable[-1]
