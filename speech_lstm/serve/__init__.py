"""Servers: the Wyoming protocol of Home Assistant, HTTP and WebSocket with a page. One process, one shared model.

Sockets are handled on one event loop, recognition runs in threads. The [serve] extra.
"""
