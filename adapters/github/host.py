"""The release host port on GitHub's releases (docs.github.com/rest/releases).

The archives of a private release lie in a folder of the bot's own, which another adapter looks after (``private``): a
draft here is only prepared for the day. Every step looks first at what is there, so that it may be tried again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from adapters.github.advisories import publish_advisory, reports, request_cve
from adapters.github.settings import GitHubSettings
from adapters.github.web import Json, Web
from adapters.github.webhook import Webhook
from chatops.checksums.posted import Posted, in_sums, in_text, is_signature, is_sums
from chatops.ports import (
    Delist,
    Effect,
    Impossible,
    Inspect,
    Intake,
    PrepareDraft,
    Publish,
    PublishAdvisory,
    ReadReports,
    Receipt,
    RequestCve,
    Service,
    Snapshot,
    Stage,
    Survey,
    TryLater,
    Upload,
    WriteAdvisory,
)

log = logging.getLogger(__name__)

_VERSION = re.compile(r"\d[0-9A-Za-z.:+~_-]*\Z")


class GitHubHost:
    """Performs the release host's effects on one repository."""

    name = "releases"

    def __init__(self, settings: GitHubSettings, private: Service) -> None:
        self._settings = settings
        self._private = private
        self._web = Web(settings)
        self.webhook: Webhook | None = None
        self._sums: dict[tuple[int, str], Posted] = {}  # by asset and when it was changed

    async def start(self, intake: Intake) -> None:
        """Ready to ask GitHub, whether it answers shows with the first effect; and to be told of reports. Raises
        :class:`adapters.github.webhook.Unusable`.
        """
        self._web.open()
        if self._settings.webhook is not None:
            self.webhook = Webhook(self._settings.webhook, self._settings.repository, intake)
            await self.webhook.start()

    async def stop(self) -> None:
        """Listen no more, disconnect."""
        if self.webhook is not None:
            await self.webhook.stop()
        await self._web.close()

    async def perform(self, effect: Effect) -> Receipt:
        """Raises Impossible as :meth:`Web` does, and: ``no-draft`` (nothing to publish, and no archives to make it
        of), ``no-tag`` (the fix was not pushed), ``published-already`` (a release of that tag, with other archives),
        ``changed-since-the-private-release``, ``advisory-closed``.
        """
        match effect.deed:
            case Stage() | WriteAdvisory():
                return await self._private.perform(effect)
            case Survey():
                return Receipt(data={"releases": await self._survey()})
            case Inspect(archives=archives):
                return Receipt(data={"archives": [await self._inspected(*one) for one in archives.items()]})
            case PrepareDraft() if not self._settings.drafts:
                return Receipt(data={"url": None})
            case PrepareDraft() as draft:
                release = await self._draft(effect, draft)
                return Receipt(data={"url": release["html_url"]})
            case Publish() as publish:
                return Receipt(data={"archives": await self._publish(effect, publish)})
            case Snapshot(tag=tag):
                return Receipt(data=await self._snapshot(tag))
            case Delist() as delist:
                return Receipt(data={"commit": await self._delist(delist)})
            case PublishAdvisory() as advisory:
                return Receipt(data={"url": await publish_advisory(self._web, advisory)})
            case RequestCve() as request:
                return Receipt(data={"cve": await request_cve(self._web, request, again=effect.attempts > 0)})
            case ReadReports():
                return Receipt(data={"reports": await reports(self._web)})
            case _:
                raise Impossible("unsupported")

    # --- what is published

    async def _survey(self) -> list[Json]:
        found: dict[str, Json] = {}
        for release in await self._releases():
            if release["draft"]:
                continue
            version = version_of(release["tag_name"])
            if version in found:  # two tags that end in the same version
                version = release["tag_name"]
            found[version] = {
                "version": version,
                "tag": release["tag_name"],
                "immutable": bool(release.get("immutable")),
                "published_at": release["published_at"],
                "archives": await self._archives(release),
            }
        return list(found.values())

    async def _archives(self, release: Json) -> list[Json]:
        assets = [asset for asset in release["assets"] if asset["state"] == "uploaded"]
        posted = in_text(release.get("body") or "")
        for asset in assets:
            if is_sums(asset["name"]):
                for name, digests in (await self._posted(asset)).items():
                    posted.setdefault(name, {}).update(digests)
        return [
            {
                "name": asset["name"],
                "size": asset["size"],
                "url": asset["browser_download_url"],
                "digests": _digests(asset, posted),
            }
            for asset in assets
            if not is_sums(asset["name"]) and not is_signature(asset["name"])
        ]

    async def _posted(self, asset: Json) -> Posted:
        """What a SHA*SUMS asset says; read once, until it is replaced. One that cannot be read says nothing."""
        key = asset["id"], asset["updated_at"]
        if key not in self._sums:
            try:
                content = await self._web.fetch(asset["browser_download_url"])
            except Impossible as problem:
                log.warning("a file of checksums cannot be read: %s", problem.code)
                return {}
            self._sums[key] = in_sums(asset["name"], content)
        return self._sums[key]

    async def _inspected(self, name: str, url: str) -> Json:
        try:
            size, digests = await self._web.hash(url)
        except Impossible as problem:
            return {"name": name, "problem": problem.code}
        return {"name": name, "size": size, "digests": digests}

    # --- the day of the release

    async def _draft(self, effect: Effect, wanted: PrepareDraft) -> Json:
        """The draft of a tag, with exactly these archives among its assets."""
        tag = self._tag(wanted.version)
        release = await self._of_tag(tag)
        if release is not None and not release["draft"]:
            raise Impossible("published-already")
        assets: list[Json] = release["assets"] if release is not None else []
        uploads = await self._uploads(effect, wanted.version, wanted.archives, assets)  # before anything is made
        if release is None:
            title = f"{self._settings.project} {wanted.version}"
            data = {"tag_name": tag, "name": title, "body": wanted.text, "draft": True}
            release = await self._web.post("/releases", data)
        for upload in uploads:
            for number in [asset["id"] for asset in assets if asset["name"] == upload.name]:
                # of another try that broke off, or of archives that were replaced since
                await self._web.delete(f"/releases/assets/{number}")
            await self._web.upload(release["upload_url"], upload)
        return dict(release)

    async def _uploads(
        self, effect: Effect, version: str, archives: Mapping[str, str], assets: Sequence[Json]
    ) -> list[Upload]:
        """The archives that a draft does not have yet."""
        there = {asset["name"] for asset in assets if _sha256(asset) == archives.get(asset["name"], "none")}
        missing = {name: sha256 for name, sha256 in archives.items() if name not in there}
        if not missing:
            return []
        staged = await self._private.perform(effect.model_copy(update={"deed": Stage(version=version)}))
        paths = {one["name"]: (one["path"], one["digests"]["sha256"]) for one in staged.data["archives"]}
        if any(paths.get(name, ("", ""))[1] != sha256 for name, sha256 in missing.items()):
            raise Impossible("changed-since-the-private-release")
        return [Upload(path=paths[name][0], name=name, sha256=sha256) for name, sha256 in missing.items()]

    async def _publish(self, effect: Effect, wanted: Publish) -> list[Json]:
        tag = self._tag(wanted.version)
        if await self._commit(tag) is None:
            raise Impossible("no-tag")  # GitHub would make one, of whatever is on the default branch
        release = await self._of_tag(tag)
        if release is None or release["draft"]:
            draft = PrepareDraft(version=wanted.version, archives=wanted.archives, text=wanted.text)
            try:
                release = await self._draft(effect, draft)
            except Impossible as problem:
                missing = problem.code in ("no-archives", "no-folder")
                raise Impossible("no-draft") if missing else problem from None
            release = await self._web.patch(f"/releases/{release['id']}", {"draft": False})
        urls = {asset["name"]: asset["browser_download_url"] for asset in release["assets"]}
        if not wanted.archives.keys() <= urls.keys():
            raise Impossible("published-already")
        outside = [await self._inspected(name, urls[name]) for name in wanted.archives]
        if any("problem" in one for one in outside):
            raise TryLater("not-there-yet")
        return outside

    # --- taking a release off the page

    async def _snapshot(self, tag: str) -> Json:
        release = await self._of_tag(tag)
        shown = release is not None and not release["draft"]
        return {
            "release": str(release["id"]) if release is not None and shown else None,
            "commit": await self._commit(tag),
            "immutable": bool(release is not None and release.get("immutable")),
            "whole": release if shown else None,
        }

    async def _delist(self, delist: Delist) -> str | None:
        """Delete the release; a try whose outcome is unknown is settled by looking. No tag is ever deleted."""
        release = await self._web.look(f"/releases/{delist.release}")
        if release is not None and release["tag_name"] != delist.tag:
            raise Impossible("another-release")
        if release is not None:
            try:
                await self._web.delete(f"/releases/{delist.release}")
            except Impossible as problem:
                if problem.code != "not-found" or await self._web.look(f"/releases/{delist.release}") is not None:
                    raise
        return await self._commit(delist.tag)

    # --- GitHub

    async def _releases(self) -> list[Json]:
        return await self._web.all("/releases?per_page=100")

    async def _of_tag(self, tag: str) -> Json | None:
        """The release of a tag: a published one, else a draft (which GitHub does not give by its tag)."""
        mine = [release for release in await self._releases() if release["tag_name"] == tag]
        return next((one for one in mine if not one["draft"]), mine[0] if mine else None)

    async def _commit(self, tag: str) -> str | None:
        """The commit that a tag names; None if there is no such tag."""
        ref = await self._web.look("/git/ref/tags/{+tag}", tag=tag)
        if ref is None:
            return None
        if ref["object"]["type"] == "tag":  # an annotated one
            told = await self._web.get("/git/tags/{sha}", sha=ref["object"]["sha"])
            return str(told["object"]["sha"])
        return str(ref["object"]["sha"])

    def _tag(self, version: str) -> str:
        return self._settings.tag.replace("{version}", version)


def version_of(tag: str) -> str:
    """The version that a tag ends in (``v1.0.0``, ``dynasched-1.0.0``); the tag itself where it ends in none."""
    for found in re.finditer(r"(?<![0-9.])\d", tag):
        if _VERSION.match(tag, found.start()):
            return tag[found.start() :]
    return tag


def _digests(asset: Json, posted: Posted) -> dict[str, dict[str, str]]:
    digests = {algorithm.value: {"posted": digest} for algorithm, digest in posted.get(asset["name"], {}).items()}
    if sha256 := _sha256(asset):
        digests.setdefault("sha256", {})["host"] = sha256
    return digests


def _sha256(asset: Json) -> str | None:
    """What GitHub says of an asset since June 2025; older ones have no digest."""
    told = asset.get("digest") or ""
    return told.removeprefix("sha256:") if told.startswith("sha256:") else None
