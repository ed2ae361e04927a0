// Copies what the pages load from node_modules to app/static/vendor (npm run vendor; bin/setup calls it).
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const TARGET = "app/static/vendor";
const NOTO = "@embedpdf/fonts-sc/fonts/NotoSansHans-";
const FILES = {
  editor: ["@wangeditor-next/editor/dist/index.js", "@wangeditor-next/editor/dist/css/style.css"],
  echarts: ["echarts/dist/echarts.common.min.js"],
  // Noto Sans in Chinese (SIL Open Font License), for what app/documents draws on paper.
  fonts: [`${NOTO}Regular.otf`, `${NOTO}Bold.otf`, "@embedpdf/fonts-sc/LICENSE"],
  leaflet: ["leaflet/dist/leaflet.js", "leaflet/dist/leaflet.css", "leaflet/dist/images"],
  scanner: ["barcode-detector/dist/iife/ponyfill.js", "zxing-wasm/dist/reader/zxing_reader.wasm"],
};

rmSync(TARGET, { recursive: true, force: true });
for (const [folder, files] of Object.entries(FILES)) {
  mkdirSync(join(TARGET, folder), { recursive: true });
  for (const file of files) {
    cpSync(join("node_modules", file), join(TARGET, folder, basename(file)), { recursive: true });
  }
}
