"""Reads from a terminal that waits for more, but not for long."""
import os
import pty
import sys
import termios
import tty

master, slave = pty.openpty()
tty.setraw(slave)
mode = termios.tcgetattr(slave)
mode[6][termios.VMIN] = 10
mode[6][termios.VTIME] = 60
termios.tcsetattr(slave, termios.TCSANOW, mode)
os.write(master, b"x")
sys.exit(os.read(slave, 100) != b"x")
