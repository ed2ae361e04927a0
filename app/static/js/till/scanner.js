// Reading codes with the camera or from a photo. Loaded when somebody first wants to scan.
const FOLDER = "/static/vendor/scanner/";
const FORMATS = ["qr_code", "code_128"];
const EVERY = 120;  // Milliseconds between two looks.
let detector = null;

async function open() {
  if (detector) return detector;
  await new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = `${FOLDER}ponyfill.js`;
    script.onload = loaded;
    script.onerror = failed;
    document.head.append(script);
  });
  const { BarcodeDetector, prepareZXingModule } = globalThis.BarcodeDetectionAPI;
  prepareZXingModule({
    overrides: { locateFile: (path) => (path.endsWith(".wasm") ? FOLDER + "zxing_reader.wasm" : path) },
  });
  detector = new BarcodeDetector({ formats: FORMATS });
  return detector;
}

/** Looks through the camera and calls `found(text)` for each code; gives a function that stops it. */
export async function scan(video, found) {
  const media = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false,
  });
  video.srcObject = media;
  await video.play();
  const reader = await open();
  let running = true;
  (async () => {
    while (running) {
      if (video.readyState >= 2) {
        const seen = await reader.detect(video).catch(() => []);
        if (running && seen.length) found(seen[0].rawValue);
      }
      await new Promise((next) => setTimeout(next, EVERY));
    }
  })();
  return () => {
    running = false;
    media.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
}

/** The first code in a photo, or null. */
export async function readPhoto(file) {
  const reader = await open();
  const picture = await createImageBitmap(file);
  const seen = await reader.detect(picture);
  return seen.length ? seen[0].rawValue : null;
}
