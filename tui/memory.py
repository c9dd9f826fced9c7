"""Memory that is no longer needed goes back to the system. No Textual here."""


def give_back() -> None:
    """After a scan: glibc keeps what was freed, against the next time; other libraries have no such call."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
