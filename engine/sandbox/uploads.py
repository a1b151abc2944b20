"""The upload origin: object storage behind presigned URLs, on another host than the API.

A presigned URL carries its own key, and an Authorization header beside it is refused: a client must not bring the
API's token here. The file is read as it comes and never held. Its gzip stream is unpacked in passing, to learn the
size of the disk image; what is no such file is taken all the same, and the image fails later, as on the live API.
"""

from __future__ import annotations

import hmac
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from engine.sandbox import lifecycle
from engine.sandbox.images import UPLOADS
from engine.sandbox.messages import Answer, Request, whole
from engine.sandbox.rules import Rules
from engine.sandbox.state import State

MB = 1024 * 1024
_XML = ("Content-Type", "application/xml")
_STEP = 4 * MB  # at most so much is unpacked at a time


class Refusal(Exception):
    """An upload that is not accepted; `answer` says why, in the form object storage uses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self.answer = Answer(status, (_XML,), text.encode())


@dataclass(frozen=True)
class Uploads:
    """The origin of one sandbox. `begin` an upload, feed the receipt, `finish` it."""

    state: State
    rules: Rules
    clock: Callable[[], float]

    def begin(self, asked: Request) -> Receipt:
        """Accept an upload by its first line and headers, before any of its body. Raises Refusal."""
        length = self._acceptable(asked)
        number, secret = asked.path.removeprefix(UPLOADS), asked.query.get("Signature", "")
        with self.state.reading() as images:
            image = images.get(f"private/{number}")
            if image is None or image.at(self.clock()) is None:
                raise Refusal(404, "NoSuchKey", "there is no image that waits for this file")
            if not hmac.compare_digest((image.secret or "").encode(), secret.encode()) or not secret:
                raise Refusal(403, "SignatureDoesNotMatch", "the signature is not that of an open upload")
        return Receipt(self, image.id, length, Unpacker(self.rules.max_raw))

    def _acceptable(self, asked: Request) -> int:
        """The length announced, where the request is one this origin takes."""
        if not asked.path.startswith(UPLOADS):
            raise Refusal(404, "NoSuchBucket", "there is nothing here")
        if asked.method != "PUT":
            raise Refusal(405, "MethodNotAllowed", "an upload is a PUT")
        if "authorization" in asked.headers:
            raise Refusal(400, "InvalidArgument", "a presigned URL takes no Authorization header")
        if asked.headers.get("content-type") != "application/octet-stream":
            raise Refusal(403, "SignatureDoesNotMatch", "the URL is signed for application/octet-stream")
        expires = whole(asked.query.get("Expires", ""))
        if expires is None or expires < self.clock():
            raise Refusal(403, "AccessDenied", "the URL has expired")
        length = whole(asked.headers.get("content-length", ""))
        if length is None:
            raise Refusal(411, "MissingContentLength", "an upload needs a Content-Length")
        if length > self.rules.max_upload:
            raise Refusal(400, "EntityTooLarge", f"an upload has at most {self.rules.max_upload} bytes")
        return length

    def finish(self, image: str, size: int | None) -> None:
        """The file of an image is here: `size` in MB, None for one that is no gzipped disk image. Raises Refusal."""
        now = self.clock()
        with self.state.writing() as images:
            waiting = images.get(image)
            if waiting is None or waiting.secret is None or waiting.at(now) is None:
                raise Refusal(404, "NoSuchKey", "the image no longer waits for this file")
            images.put(lifecycle.received(waiting, size, now, self.rules))


@dataclass
class Receipt:
    """One upload under way."""

    uploads: Uploads
    image: str
    length: int
    unpacker: Unpacker
    received: int = 0

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the file."""
        self.received += len(chunk)
        self.unpacker.feed(chunk)

    def finish(self) -> Answer:
        """The end of the file. Raises Refusal for one cut short: it can be sent again, the container still waits."""
        if self.received != self.length:
            raise Refusal(400, "IncompleteBody", f"{self.received} of {self.length} bytes came")
        self.uploads.finish(self.image, self.unpacker.megabytes())
        return Answer(200, (("ETag", f'"{self.unpacker.checksum:08x}"'),))


class Unpacker:
    """Measures a gzip stream without keeping it. Memory stays small however well the file is packed."""

    def __init__(self, most: int) -> None:
        self.raw, self.checksum = 0, 0
        self._most = most
        self._sound = True
        self._stream = zlib.decompressobj(wbits=31)  # gzip only

    def feed(self, chunk: bytes) -> None:
        """The next bytes. Once the stream is known to be bad they are not looked at."""
        self.checksum = zlib.crc32(chunk, self.checksum)
        while chunk and self._sound:
            if self._stream.eof:  # a further member of the same file
                self._stream = zlib.decompressobj(wbits=31)
            try:
                self.raw += len(self._stream.decompress(chunk, _STEP))
            except zlib.error:
                self._sound = False
            self._sound = self._sound and self.raw <= self._most
            chunk = self._stream.unconsumed_tail or self._stream.unused_data

    def megabytes(self) -> int | None:
        """The size of the disk image, rounded up; None where this was no whole gzip file or one too large."""
        if self._sound and not self._stream.eof:
            self.raw += len(self._stream.flush())  # what the last step had no room for
        whole = self._sound and self._stream.eof and self.raw <= self._most
        return max(1, -(-self.raw // MB)) if whole else None
