# SPDX-License-Identifier: Apache-2.0
"""JWE and JWT that a malicious KBS makes: correct ones, and ones with any part changed."""
import base64
import ctypes
import hashlib
import hmac
import json
import os
import struct

SECRET = b"sesame"

# --- encoding --------------------------------------------------------------------------------------


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def changed(members, changes):
    """The dictionary with some members replaced; None removes one."""
    return {name: value for name, value in (members | changes).items() if value is not None}


# --- P-256 ------------------------------------------------------------------------------------------

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    if p == q:
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, P) % P
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P) % P
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def scalar_new():
    return int.from_bytes(os.urandom(40), "big") % (N - 1) + 1


def jwk_of(point):
    return {"kty": "EC", "crv": "P-256", "x": b64u(point[0].to_bytes(32, "big")),
            "y": b64u(point[1].to_bytes(32, "big"))}


def point_of(jwk):
    return tuple(int.from_bytes(unb64u(jwk[name]), "big") for name in "xy")


# --- AES, by libcrypto ------------------------------------------------------------------------------

crypto = ctypes.CDLL("libcrypto.so.3")
for function in "EVP_CIPHER_CTX_new", "EVP_aes_256_gcm", "EVP_aes_256_wrap":
    getattr(crypto, function).restype = ctypes.c_void_p


def aes(cipher, key, iv, plain, aad=None, tag=False):
    """Encrypts; returns the ciphertext and the tag."""
    ctx = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, size, mark = ctypes.create_string_buffer(len(plain) + 32), ctypes.c_int(), ctypes.create_string_buffer(16)
    crypto.EVP_CIPHER_CTX_set_flags(ctx, 1)  # EVP_CIPHER_CTX_FLAG_WRAP_ALLOW
    assert crypto.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(cipher()), None, None, None) == 1
    if tag:
        assert crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x9, len(iv), None) == 1  # EVP_CTRL_AEAD_SET_IVLEN
    assert crypto.EVP_EncryptInit_ex(ctx, None, None, key, iv) == 1
    if aad is not None:
        assert crypto.EVP_EncryptUpdate(ctx, None, ctypes.byref(size), aad, len(aad)) == 1
    assert crypto.EVP_EncryptUpdate(ctx, out, ctypes.byref(size), plain, len(plain)) == 1
    written = size.value
    if tag:
        assert crypto.EVP_EncryptFinal_ex(ctx, out, ctypes.byref(size)) == 1
        assert crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, mark) == 1  # EVP_CTRL_AEAD_GET_TAG
    crypto.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:written], mark.raw


# --- JWE --------------------------------------------------------------------------------------------


def jwe(jwk, plain=SECRET, header=None, members=None, epk=None, iv=None, cek=None, key=None, kdf="ECDH-ES+A256KW"):
    """A JWE of plain for jwk. header and members change the protected header and the members; epk replaces the
    ephemeral key, key the recipient's, and kdf the algorithm's name in the derivation of the key."""
    own = scalar_new()
    shared = multiply(own, key or point_of(jwk))
    cek, iv = cek or os.urandom(32), iv or os.urandom(12)
    info = struct.pack(">I", len(kdf)) + kdf.encode() + struct.pack(">III", 0, 0, 256)
    kek = hashlib.sha256(struct.pack(">I", 1) + shared[0].to_bytes(32, "big") + info).digest()
    protected = changed({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": epk or jwk_of(multiply(own, G))},
                        header or {})
    text = b64u(json.dumps(protected).encode())
    sealed, tag = aes(crypto.EVP_aes_256_gcm, cek, iv, plain, text.encode(), tag=True)
    wrapped, _ = aes(crypto.EVP_aes_256_wrap, kek, None, cek)
    return json.dumps(changed({"protected": text, "encrypted_key": b64u(wrapped), "iv": b64u(iv),
                               "ciphertext": b64u(sealed), "tag": b64u(tag)}, members or {})).encode()


# --- JWT --------------------------------------------------------------------------------------------

SIGNER = scalar_new()
SIGNER_JWK = jwk_of(multiply(SIGNER, G))


def es256(text, key=SIGNER):
    digest = int.from_bytes(hashlib.sha256(text).digest(), "big")
    nonce = scalar_new()
    r = multiply(nonce, G)[0] % N
    s = pow(nonce, -1, N) * (digest + r * key) % N
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def hs256(text, key):
    return hmac.new(key, text, hashlib.sha256).digest()


def jwt(claims, header=None, sign=es256):
    """A JWT; claims are a dictionary or JSON text, and sign is a function of the signed text."""
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    head = changed({"alg": "ES256", "typ": "JWT"}, header or {})
    signed = b64u(json.dumps(head).encode()) + "." + b64u(text)
    return signed + "." + b64u(sign(signed.encode()))
