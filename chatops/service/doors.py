"""Doors: which cases' rooms may be shown, as links, in what is said; never to anybody who may not enter them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from chatops.document import Document, Door, nodes
from chatops.model.book import Book
from chatops.model.people import PlaceKind
from chatops.service.gate import wanted


def doors_for(book: Book, document: Document, service: str, readers: Collection[str], now: datetime) -> dict[str, str]:
    """Our ids of the rooms on a service, by case, that each of a document's readers (contacts) may enter.

    Of the cases that it is about, or lists. None where nobody is known to read it.
    """
    told = {node.case for node in nodes(document) if isinstance(node, Door)}
    told |= {document.case} if document.case else set()
    return {
        case: place.id
        for case in sorted(told)
        for place in book.places(PlaceKind.EMBARGO, case=case, service=service)
        if readers and wanted(book, place, now).issuperset(readers)
    }
