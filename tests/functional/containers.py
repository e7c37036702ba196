"""Puts coded audio into the containers in which telephones (m4a) and browsers (webm) send it."""

import struct

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_FRAME = 1024  # samples
OPUS_PACKET_MS = 20
CLUSTER_MS = 5000  # a block's time within its cluster has 16 bits only


def aac_frames(adts):
    """The bare frames of an ADTS stream, with its object type, index of the rate, and channels."""
    frames, at = [], 0
    while at + 7 <= len(adts):
        head = int.from_bytes(adts[at:at + 7], "big")
        assert head >> 44 == 0xFFF, "no ADTS frame here"
        length, crc = (head >> 13) & 0x1FFF, not (head >> 40) & 1
        frames.append(adts[at + (9 if crc else 7):at + length])
        shape = ((head >> 38) & 3) + 1, (head >> 34) & 15, (head >> 30) & 7
        at += length
    return frames, shape


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def m4a_of(adts):
    """An MP4 with its index at the end, as recorders write it."""
    frames, (object_type, rate_index, channels) = aac_frames(adts)
    rate, duration = RATES[rate_index], len(frames) * AAC_FRAME
    start = box(b"ftyp", b"M4A \0\0\0\0M4A mp42isom")
    config = struct.pack(">H", object_type << 11 | rate_index << 7 | channels << 3)
    decoder = b"\x40\x15" + bytes(11) + b"\x05" + bytes([len(config)]) + config
    decoder = b"\x04" + bytes([len(decoder)]) + decoder
    descriptor = b"\x03" + bytes([3 + len(decoder) + 3]) + b"\0\1\0" + decoder + b"\x06\x01\x02"
    entry = box(b"mp4a", bytes(6), struct.pack(">HQHHII", 1, 0, channels, 16, 0, rate << 16),
                box(b"esds", bytes(4), descriptor))
    table = box(
        b"stbl", box(b"stsd", bytes(4), struct.pack(">I", 1), entry),
        box(b"stts", bytes(4), struct.pack(">III", 1, len(frames), AAC_FRAME)),
        box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, len(frames), 1)),
        box(b"stsz", bytes(4), struct.pack(">II", 0, len(frames)),
            *[struct.pack(">I", len(frame)) for frame in frames]),
        box(b"stco", bytes(4), struct.pack(">II", 1, len(start) + 8)))
    matrix = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    movie = box(b"mvhd", bytes(12), struct.pack(">IIIH", rate, duration, 1 << 16, 1 << 8), bytes(10), matrix, bytes(24),
                struct.pack(">I", 2))
    track = box(b"tkhd", b"\0\0\0\7", bytes(8), struct.pack(">III", 1, 0, duration), bytes(8),
                struct.pack(">HHHH", 0, 0, 1 << 8, 0), matrix, bytes(8))
    media = box(
        b"mdia", box(b"mdhd", bytes(12), struct.pack(">IIHH", rate, duration, 0x55C4, 0)),
        box(b"hdlr", bytes(8), b"soun", bytes(13)),
        box(b"minf", box(b"smhd", bytes(8)),
            box(b"dinf", box(b"dref", bytes(4), struct.pack(">I", 1), box(b"url ", b"\0\0\0\1"))), table))
    return start + box(b"mdat", *frames) + box(b"moov", movie, box(b"trak", track, media))


def ogg_packets(ogg):
    packets, unfinished, at = [], b"", 0
    while at < len(ogg):
        assert ogg[at:at + 4] == b"OggS", "no Ogg page here"
        laces = ogg[at + 27:at + 27 + ogg[at + 26]]
        at += 27 + len(laces)
        for lace in laces:
            unfinished += ogg[at:at + lace]
            at += lace
            if lace < 255:
                packets.append(unfinished)
                unfinished = b""
    return packets


def element(name, body):
    return bytes.fromhex(name) + struct.pack(">Q", len(body) | 1 << 56) + body


def webm_of(ogg_opus):
    """A WebM of unknown length, as a browser's recorder streams it."""
    head, _, *packets = ogg_packets(ogg_opus)
    number = lambda name, value: element(name, struct.pack(">I", value))  # noqa: E731
    audio = element("b5", struct.pack(">d", 48000)) + number("9f", head[9])
    track = number("d7", 1) + number("73c5", 1) + number("83", 2) + element("86", b"A_OPUS") + element("63a2", head)
    out = element("1a45dfa3", element("4282", b"webm") + number("4287", 4) + number("4285", 2))
    out += bytes.fromhex("18538067" "01ffffffffffffff")
    out += element("1549a966", number("2ad7b1", 1_000_000))
    out += element("1654ae6b", element("ae", track + element("e1", audio)))
    per_cluster = CLUSTER_MS // OPUS_PACKET_MS
    for first in range(0, len(packets), per_cluster):
        blocks = [element("a3", b"\x81" + struct.pack(">h", index * OPUS_PACKET_MS) + b"\x80" + packet)
                  for index, packet in enumerate(packets[first:first + per_cluster])]
        out += element("1f43b675", number("e7", first * OPUS_PACKET_MS) + b"".join(blocks))
    return out
