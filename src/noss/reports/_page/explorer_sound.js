// One sound at a time, from the corpus where it lies: as seen from the page, or else at the place it had on this machine.

const playing = { audio: null, clip: -1 };

function stopSound() {
  playing.audio?.pause();
  [playing.audio, playing.clip] = [null, -1];
  showSound("▶ Play", false);
}

function showSound(text, pressed) {
  const button = document.getElementById("play");
  button.textContent = text;
  button.setAttribute("aria-pressed", String(pressed));
  button.disabled = state.clip < 0;
}

function soundPlaces(atlas, clip) {
  const file = atlas.file(clip);
  const inPath = (path) => path.split("/").map(encodeURIComponent).join("/");
  const piece = atlas.segment(clip);
  const time = piece ? `#t=${piece.start}${Number.isNaN(piece.end) ? "" : `,${piece.end}`}` : "";
  if (file.startsWith("/")) return [`file://${inPath(file)}${time}`];
  const near = atlas.sound.near ? [`${inPath(atlas.sound.near)}/${inPath(file)}${time}`] : [];
  return location.protocol === "file:" ? [...near, `${atlas.sound.far}/${inPath(file)}${time}`] : near;
}

function playFrom(places, clip) {
  const audio = new Audio(places[0]);
  const end = state.atlas.segment(clip)?.end;
  [playing.audio, playing.clip] = [audio, clip];
  showSound("■ Stop", true);
  audio.addEventListener("ended", () => playing.audio === audio && stopSound());
  audio.addEventListener("timeupdate", () => playing.audio === audio && audio.currentTime >= end && stopSound());
  audio.addEventListener("error", () => {
    if (playing.audio !== audio) return;
    if (places.length > 1) return playFrom(places.slice(1), clip);
    stopSound();
    showSound("cannot play", false);
  });
  audio.play().catch(() => {});
}

function playClip() {
  const again = playing.clip === state.clip;
  stopSound();
  if (!again && state.clip >= 0) playFrom(soundPlaces(state.atlas, state.clip), state.clip);
}
