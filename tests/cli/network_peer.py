#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What stands between a client and trusteed:

network_peer.py proxy LOG [USER:PASSWORD]    an HTTP proxy; prints its port
network_peer.py unix PATH PORT               a Unix socket that leads to PORT on 127.0.0.1
network_peer.py tls PORT CERT KEY CLIENT_CA  TLS that requires a certificate of CLIENT_CA, before PORT; prints its port

The proxy writes the line of each request to LOG."""
import base64
import os
import socket
import ssl
import sys
import threading


def carry(source, sink):
    """Copy until the end, and pass that on."""
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def join(one, other):
    """Both directions, until both have ended."""
    thread = threading.Thread(target=carry, args=(one, other), daemon=True)
    thread.start()
    carry(other, one)
    thread.join()
    one.close()
    other.close()


def head_read(connection):
    """The lines of a request's head."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        if not piece:
            break
        head += piece
    return head.decode("latin-1").split("\r\n")


def proxy_serve(connection, log, credentials):
    """One connection of a client to the proxy."""
    lines = head_read(connection)
    with open(log, "a", encoding="utf-8") as out:
        print(lines[0], file=out)
    want = "Proxy-Authorization: Basic " + base64.b64encode(credentials.encode()).decode()
    if credentials and want not in lines:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        connection.close()
        return
    host, port = lines[0].split()[1].rsplit(":", 1)
    try:
        other = socket.create_connection((host, int(port)))
    except OSError:
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        connection.close()
        return
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    join(connection, other)


def tls_serve(connection, context, port):
    """One connection of a client, whose certificate is required."""
    try:
        stream = context.wrap_socket(connection, server_side=True)
        join(stream, socket.create_connection(("127.0.0.1", port)))
    except OSError:
        connection.close()


def listen(family, address):
    """Listen, and print the port if there is one."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    if family == socket.AF_UNIX:
        os.chmod(address, 0o666)
    listener.listen()
    print(listener.getsockname()[1] if family == socket.AF_INET else "ready", flush=True)
    return listener


def main():
    mode = sys.argv[1]
    if mode == "unix":
        listener = listen(socket.AF_UNIX, sys.argv[2])
        port = int(sys.argv[3])

        def serve(connection):
            join(connection, socket.create_connection(("127.0.0.1", port)))
    elif mode == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        context.load_verify_locations(sys.argv[5])
        context.verify_mode = ssl.CERT_REQUIRED
        listener = listen(socket.AF_INET, ("127.0.0.1", 0))

        def serve(connection):
            tls_serve(connection, context, int(sys.argv[2]))
    else:
        listener = listen(socket.AF_INET, ("127.0.0.1", 0))

        def serve(connection):
            proxy_serve(connection, sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
