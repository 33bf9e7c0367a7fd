"""Fork practice servers from a process that has imported them: python practice_fork.py FD

A new Python takes half a second to import what a practice server needs; a fork takes no time.  At
the socket FD it gets the name of a server, and the two ends of pipes that are its input and output.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from botkit.practice import __main__ as practice


def serve(orders: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    while True:
        name, pipes, _, _ = socket.recv_fds(orders, 100, 2)
        if not name:
            return
        if os.fork() == 0:
            orders.close()
            for number, pipe in enumerate(pipes):
                os.dup2(pipe, number)
                os.close(pipe)
            sys.argv[1:] = [name.decode()]
            practice.main()
            return
        for pipe in pipes:
            os.close(pipe)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
