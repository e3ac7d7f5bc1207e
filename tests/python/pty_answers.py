"""Runs a program on a terminal of its own and answers its questions: pty_answers.py ANSWERS-AS-JSON PROGRAM ARGUMENT…

ANSWERS are pairs: a text that the program prints, and the line that is then typed. What the terminal showed goes to stdout.
"""

import json
import os
import pty
import select
import sys
import time

answers = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
seen = 0
until = time.monotonic() + 60
while time.monotonic() < until:
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        shown += read
    if answers and answers[0][0].encode() in shown[seen:]:
        seen = shown.index(answers[0][0].encode(), seen) + len(answers[0][0].encode())
        os.write(terminal, answers[0][1].encode() + b"\n")
        answers.pop(0)
_, status = os.waitpid(pid, 0)
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(status))
