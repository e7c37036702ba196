// The audio thread of the voice page: `morgan-capture` makes frames of 16 kHz PCM16 of the microphone,
// `morgan-playback` plays answers sample by sample and tells which sample it is at. Both run at the rate of
// their AudioContext, whatever it is; the page talks to them through their ports.
'use strict';

const MIC_RATE = 16000;
const FRAME = 512;          // samples at 16 kHz: 32 ms, what the voice detector takes at a time
const MIC_CROSSINGS = 24;   // zero crossings of the low-pass on each side: what lies above 8 kHz folds back
const PLAY_CROSSINGS = 12;  // ... and is silence in what Morgan says
const PASS = 0.9;           // its -6 dB point, as a part of the band that both rates have
const RAMP_SECONDS = 0.03;  // of a change of loudness
const FADE_SECONDS = 0.008; // of a stop: short, but no click
const REPORT_SECONDS = 0.05;
const START_SECONDS = 0.04; // heard before it plays, so that the next piece is there in time
const LONGEST_START = 0.3;
const MAX_QUEUED_SECONDS = 900;

const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));

// From one rate to another by a windowed sinc, exactly: `up` phases of the filter, `down` steps an output sample.
// The window slides over `samples`, which the user of the class fills.
class Resampler {
  constructor(from, to, crossings) {
    const common = divisor(from, to);
    this.up = to / common;
    this.down = from / common;
    const cutoff = PASS * Math.min(1, to / from);
    this.half = Math.ceil(crossings / cutoff);
    this.width = 2 * this.half;
    this.taps = new Float32Array(this.up * this.width);
    for (let phase = 0; phase < this.up; ++phase) this.makePhase(phase, cutoff);
    this.samples = new Float32Array(this.width + 8192);
    this.reset();
  }

  makePhase(phase, cutoff) {
    const at = phase * this.width;
    let sum = 0;
    for (let k = 0; k < this.width; ++k) {
      const x = k - this.half + 1 - phase / this.up;
      const turn = Math.PI * x / this.half;
      const blackman = Math.abs(x) >= this.half ? 0 : 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      this.taps[at + k] = sinc * blackman;
      sum += this.taps[at + k];
    }
    for (let k = 0; k < this.width; ++k) this.taps[at + k] /= sum;
  }

  // Silence stands before the first sample, so that it comes out at once.
  reset() {
    this.samples.fill(0, 0, this.half - 1);
    this.filled = this.half - 1;
    this.begin = 0;
    this.phase = 0;
  }

  room() {
    if (this.begin > 0) {
      this.samples.copyWithin(0, this.begin, this.filled);
      this.filled -= this.begin;
      this.begin = 0;
    }
    return this.samples.length - this.filled;
  }

  // @param offset, count  of `piece`; at most room()
  push(piece, offset, count) {
    this.samples.set(piece.subarray(offset, offset + count), this.filled);
    this.filled += count;
  }

  get ready() { return this.filled - this.begin >= this.width; }

  // The next sample out; only when ready.
  next() {
    const from = this.begin, at = this.phase * this.width;
    let sum = 0;
    for (let k = 0; k < this.width; ++k) sum += this.samples[from + k] * this.taps[at + k];
    this.phase += this.down;
    while (this.phase >= this.up) {
      this.phase -= this.up;
      ++this.begin;
    }
    return sum;
  }
}

// Posts {frame: ArrayBuffer of 512 PCM16 samples at 16 kHz, level: its loudness, 0..1}.
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, MIC_RATE, MIC_CROSSINGS);
    this.startFrame();
    this.port.onmessage = () => { this.closed = true; };
  }

  startFrame() {
    this.frame = new Int16Array(FRAME);
    this.count = 0;
    this.energy = 0;
  }

  process([input]) {
    const heard = input[0];
    if (heard) {
      this.resampler.room();
      this.resampler.push(heard, 0, heard.length);
      while (this.resampler.ready) this.take(this.resampler.next());
    }
    return !this.closed;
  }

  take(sample) {
    this.energy += sample * sample;
    this.frame[this.count++] = Math.round(32767 * Math.max(-1, Math.min(1, sample)));
    if (this.count < FRAME) return;
    const level = Math.sqrt(this.energy / FRAME);
    this.port.postMessage({ frame: this.frame.buffer, level }, [this.frame.buffer]);
    this.startFrame();
  }
}

// One answer in the queue.
class Answer {
  constructor(response, rate) {
    this.response = response;
    this.resampler = new Resampler(rate, sampleRate, PLAY_CROSSINGS);
    this.rate = rate;
    this.pieces = [];     // not yet in the resampler
    this.offset = 0;      // into the first of them
    this.queued = 0;      // samples in them
    this.given = 0;       // samples that were put into the resampler
    this.complete = false;
  }

  add(piece) {
    if (this.queued > MAX_QUEUED_SECONDS * this.rate) return;
    this.pieces.push(piece);
    this.queued += piece.length;
  }

  // Moves samples into the resampler until a sample can come out. @return whether one can
  fill() {
    while (!this.resampler.ready && this.pieces.length) {
      const [piece] = this.pieces;
      const count = Math.min(this.resampler.room(), piece.length - this.offset);
      this.resampler.push(piece, this.offset, count);
      this.offset += count;
      this.queued -= count;
      this.given += count;
      if (this.offset === piece.length) {
        this.pieces.shift();
        this.offset = 0;
      }
    }
    return this.resampler.ready;
  }

  // The sample of the answer that is played next. Of an answer without more samples, all of them: the filter
  // keeps the last millisecond, which nobody hears.
  get position() {
    if (this.queued === 0 && !this.resampler.ready) return this.given;
    return Math.max(0, this.given - (this.resampler.filled - this.resampler.begin - (this.resampler.half - 1)));
  }

  get remaining() { return this.given + this.queued - this.position; }
}

// Takes {begin: response, rate}, {pcm: ArrayBuffer, loudness}, {duck: gain}, {hold}, {resume}, {stop} and
// {end: response, completed}; posts {response, position, playing, what}, where `what` is 'at', 'began', 'drained',
// 'dropped' or 'finished'.
class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = [];
    this.playing = false;
    this.held = false;
    this.wanted = 1;      // loudness
    this.loudness = 1;
    this.gate = 1;        // 0: silent, because held or stopped
    this.waited = 0;
    this.patience = START_SECONDS;
    this.unreported = 0;
    this.port.onmessage = ({ data }) => this.obey(data);
  }

  get now() { return this.queue[0]; }

  obey(order) {
    if (order.begin !== undefined) this.queue.push(new Answer(order.begin, order.rate));
    else if (order.pcm) this.queue.at(-1)?.add(this.atFullLoudness(new Int16Array(order.pcm), order.loudness));
    else if (order.duck !== undefined) this.wanted = order.duck;
    else if (order.hold) this.held = true;
    else if (order.resume) this.resume();
    else if (order.end !== undefined) this.end(order.end, order.completed);
    else if (order.stop) for (const answer of this.queue) answer.dropped = true;
  }

  // Pieces that were sent while ducked are quieter already; here each is kept as loud as it was spoken.
  atFullLoudness(pcm, loudness) {
    const scale = 1 / (32768 * (loudness || 1));
    return Float32Array.from(pcm, (sample) => Math.max(-1, Math.min(1, sample * scale)));
  }

  resume() {
    this.held = false;
    this.wanted = 1;
  }

  end(response, completed) {
    for (const answer of this.queue) {
      if (answer.response === response) answer[completed ? 'complete' : 'dropped'] = true;
    }
  }

  report(what, answer = this.now) {
    if (!answer) return;
    this.unreported = 0;
    const { response, position } = answer;
    this.port.postMessage({ what, response, position, playing: this.playing });
  }

  leave(what) {
    const answer = this.queue.shift();
    this.playing = false;
    this.waited = 0;
    this.report(what, answer);
    this.held = false;
    this.wanted = this.loudness = this.gate = 1;
    this.patience = START_SECONDS;
  }

  // Whether enough of the answer is there to begin, or to go on after it ran dry.
  mayStart(answer, count) {
    if (answer.remaining === 0 || answer.dropped || this.held) return false;
    this.waited += count / sampleRate;
    return answer.complete || this.waited > this.patience || answer.remaining >= this.patience * answer.rate;
  }

  settle(answer, count) {
    if (!this.playing) {
      if (answer.dropped) this.leave('dropped');
      else if (answer.complete && answer.remaining === 0) this.leave('finished');
      else if (this.mayStart(answer, count)) {
        this.playing = true;
        this.waited = 0;
        this.begun = true;
      }
    }
  }

  process(inputs, [output]) {
    const [out] = output;
    for (let answer = this.now; answer; answer = this.now) {
      this.settle(answer, out.length);
      if (answer === this.now) break;
    }
    if (this.playing) this.render(this.now, out);
    for (const channel of output) if (channel !== out) channel.set(out);
    this.unreported += out.length / sampleRate;
    if (this.playing && this.begun) this.report('began');
    else if (this.playing && this.unreported >= REPORT_SECONDS) this.report('at');
    this.begun = false;
    return true;
  }

  render(answer, out) {
    const fade = 1 / (FADE_SECONDS * sampleRate), ramp = 1 / (RAMP_SECONDS * sampleRate);
    const silent = this.held || answer.dropped;
    for (let i = 0; i < out.length; ++i) {
      this.gate = silent ? Math.max(0, this.gate - fade) : Math.min(1, this.gate + fade);
      const step = this.wanted - this.loudness;
      this.loudness += Math.max(-ramp, Math.min(ramp, step));
      if (silent && this.gate === 0) return this.pause(answer);
      if (!answer.fill()) return this.runDry();
      out[i] = answer.resampler.next() * this.gate * this.loudness;
    }
  }

  pause(answer) {
    this.playing = false;
    if (answer.dropped) this.leave('dropped');
    else this.report('at');
  }

  // The network, or the voice, was too slow; or it is the end, which response_end tells.
  runDry() {
    this.playing = false;
    this.patience = Math.min(LONGEST_START, this.patience * 1.5);
    this.report('drained');
  }
}

registerProcessor('morgan-capture', Capture);
registerProcessor('morgan-playback', Playback);
