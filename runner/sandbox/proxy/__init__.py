"""A TCP fault proxy that speaks Toxiproxy's HTTP API.

Proxy        listens, and for each client opens a Connection to its upstream
Connection   two Links: upstream (client → server) and downstream (server → client)
Link         reads pieces, lets each pass through the Effects of its toxics, writes what comes out
Toxic        what a user asked for: a type, a stream, attributes, a toxicity
Effect       one toxic at work on one link; each kind is a few lines in `effects`
"""
