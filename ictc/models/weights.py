"""What a folder of weights is, without loading it: a digest that changes when its answers could."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ictc.errors import SpecError

_PREFIX = 8  # bytes at the start of a safetensors file: the length of its header, little-endian
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
_SAMPLE = 1 << 16  # bytes hashed at a weight file's start and end, beside its size
_TEXTS = frozenset({".json", ".jinja", ".model", ".txt", ".py", ".tiktoken"})  # configuration, tokenizer, code
_WEIGHTS = frozenset({".safetensors", ".bin", ".gguf", ".pt", ".pth"})
_LENGTH = 16  # hexadecimal digits kept
_REVISIONS = ("main", "master")


def folder_digest(source: str, commit: str = "") -> str:
    """What `source`, a folder of weights or a repository's id, is now, as a short text for a model's fingerprint.

    A folder: SHA-256 of its configuration, tokenizer, chat template and preprocessor files, and of every weight file's
    size, header (names, types and shapes of the tensors) and first and last 64 KiB, so that gigabytes need no reading
    and two trainings of one architecture differ. Where it lies does not matter. An id: the id with `commit`, or
    with the one in the Hugging Face cache; the id alone while nothing of it has been fetched (see `fetched`).
    """
    folder = Path(source)
    if folder.is_dir():
        return _digest(folder)
    commit = commit or cached_commit(source)
    return f"{source}@{commit}" if commit else source


def cached_commit(repo: str) -> str:
    """The commit of `repo` that the Hugging Face cache holds and offline use would take; "" if it holds none."""
    refs = hub_cache() / f"models--{repo.replace('/', '--')}" / "refs"
    for revision in _REVISIONS:
        try:
            return (refs / revision).read_text("utf-8").strip()
        except (OSError, ValueError):
            continue
    return ""


def fetched(repo: str, kind: str) -> Path:
    """The repository's config.json, from the cache, else from the network. Then `cached_commit` knows its commit, and
    what is asked of the model is stored under it from the first request on.

    Raises:
        SpecError: there is no such repository, or no network. `kind`: hf or vllm, for what to type then.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(hf_hub_download(repo, "config.json", revision=cached_commit(repo) or None))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SpecError(
            f"{repo} is neither a folder nor in the Hugging Face cache, and cannot be fetched: {reason}",
            f"Where there is a network, run: hf download {repo}    "
            f"then copy the cache, or give the folder: {kind}:FOLDER",
        ) from error


def hub_cache() -> Path:
    """Where Hugging Face keeps what it fetched, by its own variables."""
    home = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or str(Path(home) / "hub")).expanduser()


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(f for f in folder.iterdir() if f.is_file()):
        if file.suffix in _TEXTS:
            content = file.read_bytes()
        elif file.suffix in _WEIGHTS:
            content = _weights(file)
        else:
            continue
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_LENGTH]


def _weights(file: Path) -> bytes:
    size = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(_PREFIX)
        header = int.from_bytes(prefix, "little")
        is_safe = file.suffix == ".safetensors" and header <= _LONGEST_HEADER
        start = stream.read((header if is_safe else 0) + _SAMPLE)
        stream.seek(max(0, size - _SAMPLE))
        return f"{size}\n".encode() + prefix + start + stream.read(_SAMPLE)
