"""`tamis policy` as a person uses it: shown, chosen, forgotten, listed, with the history of it all."""

import io
from pathlib import Path

import pytest

from tests.cli.test_commands import Tamis


@pytest.fixture
def tamis(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tamis:
    monkeypatch.setattr("tamis.commands.policy.become_service_user", lambda config: None)
    monkeypatch.setattr("tamis.commands.list.become_service_user", lambda config: None)
    monkeypatch.setenv("COLUMNS", "80")
    return Tamis(tmp_path, capsys)


def test_set_show_unset_history(tamis: Tamis) -> None:
    tamis.configure("[policy]\nlevel = 9\n")
    said = tamis.good("policy set Example.ORG mode=junk level=6 cyrillic=on --by ann --note", "they asked")
    assert said.splitlines() == [
        "example.org: filters.cyrillic.enabled: not set -> on",
        "example.org: level: not set -> 6",
        "example.org: mode: not set -> junk",
    ]
    assert tamis.good("policy set example.org mode=junk") == "example.org: all of that is so already\n"
    tamis.good("policy set Ann@example.org spf.sealers=a.example,b.example --by bob")
    tamis.good("policy set default language=fr --by bob")
    values = tamis.read("policy show ann@example.org")["values"]
    assert values["mode"]["value"] == "junk"
    assert values["mode"]["source"].startswith("policy of example.org, set by ann 2")
    assert values["language"]["source"].startswith("policy of default, set by bob 2")
    assert values["filters.spf.sealers"]["value"] == ["a.example", "b.example"]
    assert values["tag"] == {"value": False, "source": "default", "set_in": "default"}
    assert tamis.read("policy example.net")["values"]["level"]["source"] == f"{tamis.file}:5"
    assert [one["owner"] for one in tamis.read("policy list")] == ["default", "ann@example.org", "example.org"]
    assert [one["owner"] for one in tamis.read("policy list --domain example.org")] == [
        "ann@example.org",
        "example.org",
    ]
    tamis.good("policy unset example.org level --by eve")
    assert tamis.read("policy example.org")["values"]["level"]["value"] == 9
    (last, *_) = tamis.read("policy history example.org")
    assert (last["key"], last["old"], last["new"], last["by"]) == ("level", 6, None, "eve")
    assert "they asked" in tamis.good("policy history")
    assert "mode=junk" in tamis.good("policy list")
    tamis.good("policy unset example.org --all")
    assert "nothing of that is chosen" in tamis.bad("policy unset example.org --all")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["example.org", "moed=tag"], "moed: unknown key; did you mean 'mode'?"),
        (["example.org", "mode=tga"], "mode: 'tga' is not one of quarantine, tag, junk, observe; did you mean 'tag'?"),
        (["example.org", "level=5"], "level: 5 is not one of the seven levels 3, 4.5, 6, 7.5, 9, 10.5, 12"),
        (["example.org", "cyrillic.ratoi=1"], "cyrillic.ratoi: unknown key; did you mean 'ratio'?"),
        (["example.org", "mode"], "'mode': write KEY=VALUE"),
        (["example.org", "spf=on", "filters.spf.enabled=off"], "filters.spf.enabled: named twice"),
        (["a b", "mode=tag"], "'a b' is not a domain name"),
        (["default", "policy=gold"], "policy: only a domain or an address refers to a policy that has a name"),
    ],
)
def test_mistakes_change_nothing(tamis: Tamis, words: list[str], line: str) -> None:
    assert tamis.bad("policy set", *words) == line
    assert tamis.read("policy list") == []


def test_row_26_asks_for_confirmation(tamis: Tamis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "optimal security policy" in tamis.bad("policy set example.org attachment-hashes=off")
    tamis.good("policy set example.org attachment-hashes=off --yes")
    tamis.good("policy unset example.org attachment-hashes")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer, status in (("no\n", 2), ("yes\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        found, _, err = tamis.run("policy set example.org attachment-hashes=off")
        assert found == status
        assert "optimal security policy" in err
    assert tamis.read("policy example.org")["values"]["filters.attachment-hashes.off_confirmed"]["value"] is True


def test_a_directory_without_its_driver_is_a_mistake(tamis: Tamis) -> None:
    tamis.configure('[directory]\nurl = "nodriver://x"\nusers_query = "SELECT 1"\n')
    assert tamis.bad("check-config", str(tamis.file)).startswith(f"{tamis.file}:5: directory.url: ")


def test_lists_of_an_address(tamis: Tamis) -> None:
    assert "of ann@example.org" in tamis.good("list add blacklist-sender evil.example --address Ann@Example.org")
    (entry,) = tamis.read("policy ann@example.org")["lists"]
    assert (entry["list"], entry["scope"]) == ("blacklist_sender", "ann@example.org")
    assert tamis.read("policy example.org")["lists"] == []
    assert [one["domain"] for one in tamis.read("list show --address ann@example.org")] == ["ann@example.org"]
    tamis.good("list remove blacklist-sender evil.example --domain ann@example.org")
