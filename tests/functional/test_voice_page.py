"""The page at /voice in a real browser: its microphone plays a recording, and what it plays is listened to."""

import base64
import itertools
import json
import re
import shutil

import numpy
import pytest
from playwright.sync_api import expect, sync_playwright

from conftest import resampled, samples_of, wait_until, wav_of, word_error_rate

MIC_RATE = 16000
LIMIT_MS = 60_000
# An answer ends when it has been heard, and the model may have much to say.
ANSWER_LIMIT_MS = 200_000
SILENCE_AFTER = 120  # seconds: Chromium plays the recording again when it has ended
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
QUESTION = "What is the capital of France?"
# Its answer is spoken for more than half a minute.
LONG_QUESTION = "Please tell me everything that you know about the history of France."
# Keeps a copy of all that the page plays, taken in front of the loudspeaker: as the microphone's frames are made.
LISTEN = """async () => {
  const { speaker } = __morgan;
  await speaker.wake();
  const tap = new AudioWorkletNode(speaker.context, 'morgan-capture', { numberOfOutputs: 0 });
  window.heard = [];
  tap.port.onmessage = ({ data }) => heard.push(new Int16Array(data.frame));
  speaker.output.connect(tap);
}"""
HEARD = """() => {
  const bytes = new Uint8Array(Int16Array.from(heard.flatMap((frame) => [...frame])).buffer);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}"""

# Remembers what is shown for moments only: a transcript that may change, the word that is being said.
WATCH = """window.seen = { live: 0, now: new Set() };
  new MutationObserver(() => {
    seen.live += document.querySelectorAll('.user.live').length;
    for (const { textContent } of document.querySelectorAll('.now')) seen.now.add(textContent);
  }).observe(document.getElementById('talk'), { childList: true, subtree: true, attributes: true });"""


@pytest.fixture(scope="module")
def browsers():
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed (scripts/packages.txt)")
    with sync_playwright() as started:
        yield started.chromium


@pytest.fixture
def visit(browsers, server, tmp_path):
    """Opens the page. `microphone`: what somebody says there once it is opened, as texts and pauses in seconds."""
    opened, errors = [], []

    def open_page(microphone=None, size=(1280, 800), scheme="light", of=server, host="127.0.0.1", path="/voice",
                  allowed=True, may_fail=False):
        switches = [*SWITCHES, "--host-resolver-rules=MAP morgan.test 127.0.0.1"]
        if microphone is not None:
            recording = tmp_path / "microphone.wav"
            recording.write_bytes(wav_of(spoken(of, [*microphone, SILENCE_AFTER]), MIC_RATE))
            switches += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={recording}"]
        browser = browsers.launch(executable_path=shutil.which("chromium"), args=switches)
        opened.append(browser)
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
                                      permissions=["microphone"] if allowed else [])
        page = context.new_page()
        page.set_default_timeout(LIMIT_MS)
        if not may_fail:
            page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        origin = f"http://{host}:{of.ports['core']}"
        page.on("request", lambda asked: asked.url.startswith((origin, "data:")) or errors.append(f"loads {asked.url}"))
        page.goto(origin + path)
        return page

    yield open_page
    for browser in opened:
        browser.close()
    assert not errors, f"the browser complained: {errors}"


def spoken(server, parts):
    samples = []
    for part in parts:
        if isinstance(part, str):
            samples.append(resampled(*samples_of(server.speech(part)), MIC_RATE))
        else:
            samples.append(numpy.zeros(int(part * MIC_RATE)))
    return numpy.concatenate(samples)


def talk_button(page):
    return page.locator("#mic")


def write(page, text):
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")


def user_of(page):
    return page.evaluate("localStorage.getItem('morgan.user')")


def answer_ended(page, number=0):
    """Waits for the end of an answer. @return its text"""
    page.locator(".assistant").nth(number).locator(".facts").wait_for(state="attached", timeout=ANSWER_LIMIT_MS)
    return page.locator(".assistant .words").nth(number).inner_text()


def what_was_heard(page, server):
    """@return samples of all that the page has played, and their transcript"""
    samples = numpy.frombuffer(base64.b64decode(page.evaluate(HEARD)), numpy.int16) / 32768
    return samples, server.transcribe(wav_of(samples, MIC_RATE)).json()["text"]


def wait_for(page, condition, argument=None):
    page.wait_for_function(f"(argument) => {condition}", arg=argument)


def test_a_spoken_question_is_answered_aloud(visit, server):
    page = visit(microphone=[0.7, QUESTION])
    page.evaluate(LISTEN)
    page.evaluate(WATCH)
    talk_button(page).click()
    text = answer_ended(page)
    assert word_error_rate(QUESTION, page.locator(".user .words").inner_text()) <= 0.2
    assert page.evaluate("seen.live") > 0, "nothing was shown while the question was spoken"
    marked = set(page.evaluate("[...seen.now]"))
    assert "Paris" in text and marked <= set(text.split()) and len(marked) >= len(set(text.split())) / 2
    samples, heard = what_was_heard(page, server)
    assert 0.05 < abs(samples).max() <= 1
    assert word_error_rate(text, heard) <= 0.4, f"'{text}' sounded like '{heard}'"
    assert page.locator(".now").count() == 0 and page.locator(".remark").count() == 0


def test_the_stages_of_a_turn_add_up(visit):
    page = visit(microphone=[0.7, QUESTION])
    talk_button(page).click()
    answer_ended(page)
    numbers = [int(re.fullmatch(r"(\d+) ms", cell)[1]) for cell in page.locator(".waterfall .time").all_inner_texts()]
    assert len(numbers) >= 4 and sum(numbers[:-1]) == numbers[-1] > 0


def test_a_written_question_is_answered_aloud_in_the_same_conversation(visit, server):
    page = visit(path="/")
    page.evaluate(LISTEN)
    write(page, "What is the capital of Italy?")
    text = answer_ended(page)
    assert "Rome" in text and word_error_rate(text, what_was_heard(page, server)[1]) <= 0.4
    write(page, "And of Spain?")
    answer_ended(page, 1)
    assert page.locator(".user .words").all_inner_texts() == ["What is the capital of Italy?", "And of Spain?"]
    kept = server.get("core", f"/api/conversations/{user_of(page)}").json()["messages"]
    assert [message["content"] for message in kept if message["role"] == "user"] == \
        ["What is the capital of Italy?", "And of Spain?"]
    page.reload()
    expect(page.locator("#talk > li")).to_have_count(4)


def test_an_answer_is_interrupted_by_talking(visit, server):
    second = "Stop. What is the capital of Italy?"
    page = visit(microphone=[0.7, LONG_QUESTION, 8.0, second])
    talk_button(page).click()
    page.locator(".assistant .now").wait_for()
    page.locator(".assistant .remark", has_text="interrupted").wait_for()
    page.locator(".user").nth(1).wait_for()
    expect(page.locator(".user:not(.live)")).to_have_count(2, timeout=LIMIT_MS)
    assert word_error_rate(second, page.locator(".user .words").nth(1).inner_text()) <= 0.4
    first = page.locator(".assistant .words").first
    assert first.locator(".unsaid").count() == 1, "all of the answer was heard"
    page.locator(".assistant").nth(1).wait_for()
    kept = server.get("core", f"/api/conversations/{user_of(page)}").json()["messages"]
    assert kept[1]["role"] == "assistant" and first.inner_text().startswith(kept[1]["content"][:20])
    assert len(kept[1]["content"]) < len(first.inner_text())


def test_no_word_of_an_answer_is_lost_when_somebody_says_yeah(visit, server):
    page = visit(microphone=[0.7, "How does a bicycle work?", 8.0, "Yeah."])
    told = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: told.append(frame)))
    page.evaluate(LISTEN)
    talk_button(page).click()
    text = answer_ended(page)
    types = [json.loads(frame)["type"] for frame in told if isinstance(frame, str)]
    assert "duck" in types
    assert page.locator(".remark").count() == 0, f"interrupted by {page.locator('.user').all_inner_texts()}"
    heard = what_was_heard(page, server)[1]
    assert word_error_rate(text, heard) <= 0.3, f"'{text}' sounded like '{heard}'"


@pytest.mark.parametrize("how", ["button", "key"])
def test_stopping_an_answer_is_heard_at_once(visit, how):
    page = visit()
    page.evaluate(LISTEN)
    write(page, LONG_QUESTION)
    page.locator(".assistant .now").wait_for()
    if how == "button":
        page.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    page.locator(".assistant .remark", has_text="stopped").wait_for()
    since = page.evaluate("heard.length")
    wait_for(page, "heard.length > argument + 20", since)
    assert page.evaluate("(since) => heard.slice(since + 1).every((frame) => frame.every((sample) => !sample))", since)
    assert page.get_by_role("button", name="Stop").is_disabled()


def test_hold_to_talk_sends_what_was_said_while_it_was_held(visit):
    page = visit(microphone=[0.7, QUESTION])
    page.get_by_text("Hold to talk").click()
    page.keyboard.down("Space")
    wait_for(page, "__morgan.mic.sending")
    wait_for(page, "/France/.test(document.querySelector('.user .words')?.textContent)")
    assert page.locator(".assistant").count() == 0, "it was answered before it was sent"
    page.keyboard.up("Space")
    assert "Paris" in answer_ended(page)
    assert not page.evaluate("__morgan.mic.sending")


def test_a_microphone_that_is_refused_or_missing_is_told_in_words(visit):
    page = visit(microphone=[1.0], allowed=False)
    talk_button(page).click()
    expect(page.locator("#note")).to_contain_text("The microphone was refused")
    page = visit()
    talk_button(page).click()
    expect(page.locator("#note")).to_contain_text("There is no microphone")
    expect(talk_button(page)).to_have_text("Talk")


def test_a_page_that_browsers_do_not_trust_says_so_and_still_converses_in_writing(visit, own_server):
    own_server.start(MORGAN_SERVER_INSECURE="true")  # by that name it would ask for a key
    page = visit(of=own_server, host="morgan.test", path="/")
    expect(page.locator("#note")).to_contain_text("https or from localhost")
    write(page, "What is the capital of Italy?")
    assert "Rome" in answer_ended(page)


def test_a_lost_connection_is_told_and_made_again_with_the_same_user(visit, own_server):
    own_server.start(MORGAN_DIALOGUE_TEMPERATURE="0")
    page = visit(of=own_server, may_fail=True)
    write(page, "My name is Ada.")
    answer_ended(page)
    user = user_of(page)
    own_server.stop()
    expect(page.locator("#note")).to_contain_text("Try now", timeout=LIMIT_MS)
    own_server.start(MORGAN_DIALOGUE_TEMPERATURE="0")
    expect(page.locator("#note")).to_contain_text("Connected again", timeout=LIMIT_MS)
    write(page, "Good morning.")
    answer_ended(page, 1)
    kept = lambda: own_server.get("core", f"/api/conversations/{user}").json()["total_messages"]
    wait_until(lambda: kept() == 4, 30, "the storing of the answer")
    assert user_of(page) == user


def test_a_server_without_room_says_so(visit, own_server):
    own_server.start(MORGAN_LIVE_MAX_SESSIONS="1")
    first = visit(of=own_server)
    write(first, "Good morning.")
    answer_ended(first)
    second = visit(of=own_server, may_fail=True)
    write(second, "Good morning.")
    expect(second.locator("#note")).to_contain_text("Morgan is busy", timeout=LIMIT_MS)
    first.close()
    second.get_by_role("button", name="Try now").click()
    answer_ended(second)


def test_voice_speed_and_colours_are_chosen_and_remembered(visit):
    page = visit(scheme="light")
    page.get_by_label("Voice", exact=True).select_option("af_heart")
    page.get_by_label("Speed").fill("1.5")
    page.get_by_role("button", name="Dark colours").click()
    write(page, "What is the capital of Italy?")
    page.locator(".assistant .now").wait_for()
    assert page.evaluate("__morgan.speaker.rate") == 24000
    page.reload()
    page.get_by_label("Voice", exact=True).locator("option[value=af_heart]").wait_for(state="attached")
    assert page.get_by_label("Voice", exact=True).input_value() == "af_heart"
    assert page.get_by_label("Speed").input_value() == "1.5"
    assert page.get_by_role("button", name="Dark colours").get_attribute("aria-pressed") == "true"


def test_space_talks_and_escape_ends_it(visit):
    page = visit(microphone=[SILENCE_AFTER])
    page.keyboard.press("Space")
    wait_for(page, "__morgan.mic.sending && __morgan.link.ready")
    page.get_by_role("meter", name="Level of the microphone").wait_for()
    page.keyboard.press("Escape")
    wait_for(page, "!__morgan.mic.sending && !__morgan.mic.open")
    page.get_by_role("textbox", name="Message").press("Space")
    assert page.get_by_role("textbox", name="Message").input_value() == " "


def test_everything_has_a_role_and_a_name(visit):
    page = visit()
    for role, name in [("button", "Talk"), ("button", "Stop"), ("button", "Send"), ("button", "New conversation"),
                       ("button", "Dark colours"), ("radio", "Hands-free"), ("radio", "Hold to talk"),
                       ("textbox", "Message"), ("combobox", "Voice"), ("combobox", "Microphone"), ("slider", "Speed"),
                       ("log", "What was said"), ("main", ""), ("complementary", "")]:
        assert page.get_by_role(role, **({"name": name} if name else {})).count() >= 1, f"no {role} is called '{name}'"
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, textarea, a')].filter((e) =>
      !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)""")
    assert not nameless
    assert page.get_by_role("log").get_attribute("aria-live") == "polite"


def test_a_screen_reader_is_told_whole_sentences_only(visit):
    page = visit(microphone=[0.7, QUESTION])
    talk_button(page).click()
    text = answer_ended(page)
    told = page.locator("#spoken p").all_text_contents()
    assert len(told) == 2 and told[0].startswith("You: ") and told[1] == f"Morgan: {text}"


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055)**2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(visit, scheme):
    page = visit(scheme=scheme)
    value = "(name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()"
    pairs = [*itertools.product(("ink", "soft", "accent"), ("paper", "card")), ("ink", "mine"), ("soft", "mine"),
             ("on-accent", "accent"), ("on-now", "now"), ("bad", "paper")]
    for front, back in pairs:
        light, dark = sorted((luminance(page.evaluate(value, name)) for name in (front, back)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{front} on {back}"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_lies_beside_the_screen(visit, width):
    page = visit(size=(width, 740))
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert talk_button(page).bounding_box()["height"] >= 44
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
