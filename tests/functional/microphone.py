"""A microphone that never stops: silence is sent when nothing is said."""

import contextlib
import threading
import time

import numpy
from websockets.exceptions import ConnectionClosed

from conftest import resampled, samples_of

LIMIT = 60  # seconds; the machine may be busy
FRAMES_PER_SECOND = 50


def spoken(server, text, rate):
    """@return samples of somebody who says it"""
    samples, voice_rate = samples_of(server.speech(text))
    return resampled(samples, voice_rate, rate)


class Microphone:
    def __init__(self, rate, send):
        """@param send  called with the samples of each frame; ConnectionClosed ends the microphone"""
        self.rate, self.send = rate, send
        self.to_say, self.gone = numpy.zeros(0), False
        self.changed, self.ended = threading.Condition(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(ConnectionClosed):
            begin, frames = time.monotonic(), 0
            while not self.ended.wait(max(0, begin + frames / FRAMES_PER_SECOND - time.monotonic())):
                self.send(self.next_frame())
                frames += 1
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def next_frame(self):
        frame = self.rate // FRAMES_PER_SECOND
        with self.changed:
            samples, self.to_say = self.to_say[:frame], self.to_say[frame:]
            if not len(self.to_say):
                self.changed.notify_all()
        return numpy.pad(samples, (0, frame - len(samples)))

    def say(self, samples):
        """Says it in real time. @return when the last sample has been sent, or nobody listens any more"""
        with self.changed:
            self.to_say = numpy.concatenate([self.to_say, samples])
            assert self.changed.wait_for(lambda: not len(self.to_say) or self.gone, LIMIT)

    def stop(self):
        self.ended.set()
        self.thread.join(timeout=LIMIT)
