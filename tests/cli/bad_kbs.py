#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What answers in place of a KBS that is away: bad_kbs.py PORT MODE CERT KEY

MODE: cut or reset (the connection ends within the TLS handshake), banner (not HTTP), html (HTTP 200),
page (HTTP 404 with a page), silent (no answer). CERT and KEY decide whether a client trusts it."""
import socket
import ssl
import struct
import sys

PAGE = b"<html>It works!</html>"
ANSWERS = {
    "banner": b"SSH-2.0-OpenSSH_9.2\r\n",
    "html": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE),
    "page": b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE),
    "silent": b"",
}


def answer(connection, mode, context):
    """One connection."""
    if mode == "cut":
        connection.recv(4096)
    elif mode == "reset":
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(65536)
            stream.sendall(ANSWERS[mode])


def main():
    """Answers until it is killed."""
    port, mode, certificate, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    answer(connection, mode, context)
                except OSError as e:  # a client that does not trust the certificate
                    print(e, flush=True)


main()
