"""What a file can be refused for, with the way to mend it."""

from __future__ import annotations

from i18n import Message
from portal.errors import BadFile

TEXTS: dict[str, Message] = {
    "unknown-encoding": Message(
        "The encoding of {name} is not recognised: not UTF-8, UTF-16, "
        "Windows-1258 or TCVN3 (ABC). Save the file as UTF-8 (in Excel: "
        "Save As → CSV UTF-8) or declare its encoding."
    ),
    "not-utf8": Message(
        "{name} is UTF-8 with a damaged byte in line {line} ({bytes}). "
        "Mend that line, or export the file again."
    ),
    "wrong-encoding": Message(
        "{name} cannot be read in its declared encoding ({declared}); it "
        "fails in line {line}. Declare the right encoding or save the "
        "file as UTF-8."
    ),
    "not-what-it-says": Message(
        "{name} claims to be {claimed} but its content is {actual}. Send "
        "a real {claimed} file, or declare its format."
    ),
    "not-a-table": Message(
        "{name} is {actual}, which is no table. Send CSV, TSV, XLSX, "
        "XLS, ODS, Parquet, JSON, NDJSON or GeoJSON."
    ),
    "empty": Message("{name} is empty. Send a file with a header row and data."),
    "no-header": Message(
        "No header row was found in {name}. The first row must hold the "
        "names of the columns."
    ),
    "too-large": Message(
        "{name} passes the limit of {what}: {limit}. Split the file into smaller parts."
    ),
    "too-much-memory": Message(
        "Reading {name} takes more than {limit} MB of memory "
        "(PORTAL_READ_MEMORY_MB), so it was stopped. Remove stray cells "
        "at the end of the sheet, split the file, or send CSV."
    ),
    "reading-took-too-long": Message(
        "Reading {name} takes more than {what}, so it was stopped. "
        "Split the file, or send CSV in UTF-8."
    ),
    "reader-died": Message(
        "{name} made its reader stop amid the file ({why}). Export the "
        "file again, or send CSV in UTF-8."
    ),
    "zip-bomb": Message(
        "The archive {name} is refused: {what}. Send the file uncompressed."
    ),
    "unsafe-name": Message(
        "The archive {name} holds an unsafe file name ({member}). Pack "
        "it again with plain names, no absolute path and no '..'."
    ),
    "encrypted": Message(
        "{name} is protected by a password. Remove the password and send it again."
    ),
    "archive-choice": Message(
        "The archive {name} must hold exactly one table, but holds "
        "{count}: {members}. Leave one file, or choose by a pattern."
    ),
    "damaged": Message(
        "{name} is damaged and cannot be read as {claimed} ({why}). "
        "Export the file again."
    ),
    "lone-surrogate": Message(
        "{name} holds half a character (a lone \\uD800–\\uDFFF) in line "
        "{line}. Export the file again as UTF-8."
    ),
    "no-sheet": Message("{name} has no worksheet '{sheet}'. Its worksheets: {sheets}."),
    "no-records": Message(
        "No list of records was found in the JSON file {name}. Send an "
        "array of objects, or an object whose 'records' or 'data' holds "
        "that array."
    ),
    "parts-differ": Message(
        "The part {name} has another header than the first part: {found} "
        "instead of {wanted}. All parts of one table must have the same "
        "columns."
    ),
    "cannot-parse": Message(
        "{name} cannot be parsed at line {line}: {why}. Check the quotes "
        "and delimiters around that line."
    ),
    "bad-dialect": Message("The declared dialect of {name} is not valid: {why}."),
}


def refuse(code: str, **detail: object) -> BadFile:
    """The error for `code`, its texts filled with `detail`; raise it where it
    happens.
    """
    message = TEXTS[code].filled(**detail)
    return BadFile(code, message.vi, message.en)


def took_too_long(name: str, seconds: int, patience: int = 1) -> BadFile:
    """The error for a file that needs more processor seconds than it may, or that kept
    silent with patience.
    """
    if patience == 1:
        limit = Message("{seconds} processor seconds (PORTAL_READ_SECONDS)")
    else:
        limit = Message(
            "{silence} seconds without an answer ({patience} × PORTAL_READ_SECONDS)"
        )
    what = limit.filled(seconds=seconds, silence=patience * seconds, patience=patience)
    return refuse("reading-took-too-long", name=name, what=what)
