# SPDX-License-Identifier: Apache-2.0
"""What a client of a KBS does with its key, by libcrypto and the tool openssl and not by our own library: the key, its JWK,
and how it opens a resource. The program under test seals; this opens, so that a mistake cannot be made twice."""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import subprocess

LIBCRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for function in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm", "EVP_aes_256_wrap"):
    getattr(LIBCRYPTO, function).restype = ctypes.c_void_p

GCM_SET_TAG = 0x11
FLAG_WRAP_ALLOW = 1
TAG = 16
# What precedes the coordinates in a public key in DER form, and the bytes of a coordinate.
CURVES = {
    "P-256": ("3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32),
    "P-521": ("30819b301006072a8648ce3d020106052b8104002303818600" "04", 66),
}
OAEP = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def cipher(name, key, iv, data, aad=b"", tag=None):
    """Decrypt data; None if it is not authentic."""
    context = ctypes.c_void_p(LIBCRYPTO.EVP_CIPHER_CTX_new())
    out, length = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int()
    try:
        LIBCRYPTO.EVP_CIPHER_CTX_set_flags(context, FLAG_WRAP_ALLOW)
        method = ctypes.c_void_p(getattr(LIBCRYPTO, name)())
        if LIBCRYPTO.EVP_DecryptInit_ex(context, method, None, key, iv) != 1:
            return None
        if aad and LIBCRYPTO.EVP_DecryptUpdate(context, None, ctypes.byref(length), aad, len(aad)) != 1:
            return None
        if LIBCRYPTO.EVP_DecryptUpdate(context, out, ctypes.byref(length), data, len(data)) != 1:
            return None
        done = length.value
        if tag is not None and LIBCRYPTO.EVP_CIPHER_CTX_ctrl(context, GCM_SET_TAG, TAG, tag) != 1:
            return None
        if tag is not None and LIBCRYPTO.EVP_DecryptFinal_ex(context, None, ctypes.byref(length)) != 1:
            return None
        return out.raw[:done]
    finally:
        LIBCRYPTO.EVP_CIPHER_CTX_free(context)


class TeeKey:
    """The key pair of a client, kept in a file: "P-256", "P-521", "RSA-OAEP-256" or "RSA1_5"."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        if kind in CURVES:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}", "-out", path)
        else:
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
        self.jwk = self._jwk()

    def _jwk(self):
        """The members in the order in which a client writes them."""
        if self.kind in CURVES:
            size = CURVES[self.kind][1]
            point = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-2 * size:]
            return {"kty": "EC", "crv": self.kind, "alg": "ECDH-ES+A256KW", "x": b64url(point[:size]), "y": b64url(point[size:])}
        modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().partition("=")[2]
        return {"kty": "RSA", "alg": self.kind, "n": b64url(bytes.fromhex(modulus)), "e": "AQAB"}

    def _content_key(self, header, wrapped):
        """Unwrap the content key."""
        if self.kind not in CURVES:
            padding = ["rsa_padding_mode:pkcs1"] if self.kind == "RSA1_5" else OAEP
            options = [part for option in padding for part in ("-pkeyopt", option)]
            return openssl("pkeyutl", "-decrypt", "-inkey", self.path, *options, data=wrapped)
        epk = header["epk"]
        prefix, size = CURVES[self.kind]
        x, y = unb64url(epk["x"]), unb64url(epk["y"])
        if epk["crv"] != self.kind or len(x) != size or len(y) != size:
            raise ValueError(f"epk: {epk}")
        peer = self.path + ".peer"
        with open(peer, "wb") as file:
            file.write(openssl("pkey", "-pubin", "-inform", "DER", data=bytes.fromhex(prefix) + x + y))
        z = openssl("pkeyutl", "-derive", "-inkey", self.path, "-peerkey", peer)
        algorithm = b"ECDH-ES+A256KW"
        info = len(algorithm).to_bytes(4, "big") + algorithm + bytes(8) + (256).to_bytes(4, "big")
        kek = hashlib.sha256((1).to_bytes(4, "big") + z + info).digest()
        return cipher("EVP_aes_256_wrap", kek, None, wrapped)

    def open(self, text):
        """Open a resource in the form of RFC 7516. The additional data is computed from the parsed header, as clients do."""
        jwe = json.loads(text)
        if list(jwe) != ["protected", "encrypted_key", "iv", "ciphertext", "tag"]:
            raise ValueError(f"members: {list(jwe)}")
        header = json.loads(unb64url(jwe["protected"]))
        if header["enc"] != "A256GCM" or header["alg"] != self.jwk["alg"]:
            raise ValueError(f"header: {header}")
        others = {name: header[name] for name in sorted(header) if name not in ("alg", "enc")}
        again = {"alg": header["alg"], "enc": header["enc"], **others}
        aad = b64url(json.dumps(again, separators=(",", ":"), sort_keys=False).encode()).encode()
        key = self._content_key(header, unb64url(jwe["encrypted_key"]))
        return cipher("EVP_aes_256_gcm", key, unb64url(jwe["iv"]), unb64url(jwe["ciphertext"]), aad, unb64url(jwe["tag"]))

    def open_old(self, text):
        """Open a resource in the form of version 0.1.1: the header is JSON, and the tag the end of the ciphertext."""
        jwe = json.loads(text)
        header = json.loads(jwe["protected"])
        if header != {"alg": "RSA1_5", "enc": "A256GCM"} or jwe["tag"] != "":
            raise ValueError(f"not the old form: {jwe}")
        content = unb64url(jwe["ciphertext"])
        key = self._content_key(header, unb64url(jwe["encrypted_key"]))
        return cipher("EVP_aes_256_gcm", key, unb64url(jwe["iv"]), content[:-TAG], b"", content[-TAG:])


def admin_token_ed25519(path, now):
    """A bearer token as the kbs-client of December 2025 makes it: Ed25519, valid for two hours, without a role."""
    head = b64url(b'{"alg":"EdDSA","typ":"JWT"}')
    claims = b64url(json.dumps({"iat": now, "exp": now + 7200, "nbf": now}, separators=(",", ":")).encode())
    with open(path + ".text", "wb") as file:
        file.write(f"{head}.{claims}".encode())
    return f"{head}.{claims}.{b64url(openssl('pkeyutl', '-sign', '-inkey', path, '-rawin', '-in', path + '.text'))}"
