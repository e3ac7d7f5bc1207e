"""Runs a program on a terminal of its own and looks at the screen as a person would: pty_screen.py ASKED-AS-JSON PROGRAM ARGUMENT…

ASKED has `columns`, `rows`, and `keys`: a text, what is typed once it was shown after the text before it, and the seconds to wait
before that. What was seen goes to stdout as JSON: `text` is everything that was shown, in its order, `lines` everything that is left,
`wide` the lines that did not fit, `unknown` what no terminal was asked to understand, `shown` whether each text of `keys` was seen,
and whether cursor, colours and modes are as before.
"""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata

SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|\][^\x07\x1b]*(?:\x07|\x1b\\))")


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.row, self.column = 0, 0
        self.wide, self.unknown = [], []
        self.cursor, self.plain = True, True

    def feed(self, text):
        """Takes text in; gives back what is not whole yet."""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 16:
                        return text[at:]
                    self.unknown.append(text[at : at + 8])
                    at += 1
                    continue
                self.order(found)
                at = found.end()
                continue
            self.letter(text[at])
            at += 1
        return ""

    def letter(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif letter == "\b":
            self.column = max(0, self.column - 1)
        elif letter == "\x03":
            pass  # What is typed comes back; a terminal shows nothing for it.
        elif letter < " ":
            self.unknown.append(letter)
        else:
            width = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if self.column + width > self.columns:
                # A row that is filled up with blanks goes on in the next without anything being cut.
                if self.lines[self.row][-1:] != " ":
                    self.wide.append(self.lines[self.row])
                self.letter("\r"), self.letter("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += width

    def order(self, found):
        number, what = found.groups()
        if what is None:
            return
        first = int(number.split(";")[0] or 0) if number.strip("?").replace(";", "").isdigit() else 0
        top = max(0, len(self.lines) - self.rows)
        if number.startswith("?"):
            if number == "?25" and what in "hl":
                self.cursor = what == "h"
            else:
                self.unknown.append(found.group())
        elif what == "m":
            self.plain = number in ("", "0")
        elif what == "A":
            self.row = max(top, self.row - max(1, first))
        elif what == "B":
            self.row = min(len(self.lines) - 1, self.row + max(1, first))
        elif what == "C":
            self.column = min(self.columns - 1, self.column + max(1, first))
        elif what == "D":
            self.column = max(0, self.column - max(1, first))
        elif what == "G":
            self.column = max(0, first - 1)
        elif what == "K":
            line = self.lines[self.row]
            self.lines[self.row] = "" if first == 2 else line[: self.column] if first == 0 else line
        elif what == "J" and first == 0:
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        else:
            self.unknown.append(found.group())


asked = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    # The size is there before the program looks.
    size = struct.pack("HHHH", asked["rows"], asked["columns"], 0, 0)
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    # Whoever started this in the background has it ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(terminal)
screen = Screen(asked["columns"], asked["rows"])
keys = list(asked["keys"])
shown = [False] * len(keys)
decoder = codecs.getincrementaldecoder("utf-8")("replace")
# What was shown, without orders to the terminal, and up to where it was answered.
text, seen = "", 0
rest, due = "", None
until = time.monotonic() + 90
after = before
while time.monotonic() < until:
    ready, _, _ = select.select([terminal], [], [], 0.05)
    if ready:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        whole = rest + decoder.decode(read)
        rest = screen.feed(whole)
        text += SEQUENCE.sub("", whole[: len(whole) - len(rest)])
    # As long as somebody has it open.
    after = termios.tcgetattr(terminal)
    at = shown.index(False) if False in shown else None
    if due is None and at is not None and keys[at][0] in text[seen:]:
        seen = text.index(keys[at][0], seen) + len(keys[at][0])
        due = time.monotonic() + keys[at][2]
    if due is not None and time.monotonic() >= due:
        os.write(terminal, keys[at][1].encode())
        shown[at], due = True, None
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
json.dump(
    {
        "status": os.waitstatus_to_exitcode(status),
        "text": text.replace("\r\n", "\n"),
        "lines": screen.lines,
        "wide": screen.wide,
        "unknown": screen.unknown + [rest] * bool(rest),
        "shown": shown,
        "cursor": screen.cursor,
        "plain": screen.plain,
        "modes": before[:4] == after[:4],
    },
    sys.stdout,
)
