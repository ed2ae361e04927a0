// WeChat's own scanner, inside WeChat. Its JS-SDK is a thin cover over the bridge that the app puts
// into the page; we speak to that bridge, so that no script of another host is loaded.
import { get } from "./api.js";

const PATIENCE = 6000;
const NEEDS = ["scanQRCode"];

/** What was scanned; null when the person went back. Throws when WeChat refuses or is not there. */
export async function scan() {
  const bridge = await arrived();
  // Signed for the page as it was opened; what stands behind # is not part of it.
  const signed = await get("/wechat/js-config", { url: location.href.split("#")[0] });
  const proof = {
    appId: signed.appId, verifyAppId: signed.appId, verifySignType: "sha1",
    verifyTimestamp: String(signed.timestamp), verifyNonceStr: signed.nonceStr, verifySignature: signed.signature,
  };
  const allowed = await invoke(bridge, "preVerifyJSAPI", { verifyJsApiList: NEEDS, ...proof });
  if (!/:ok$/.test(allowed.err_msg)) throw new Error(allowed.err_msg);
  const seen = await invoke(bridge, "scanQRCode", { needResult: 1, scanType: ["qrCode", "barCode"], ...proof });
  if (/:cancel$/.test(seen.err_msg)) return null;
  if (!/:ok$/.test(seen.err_msg)) throw new Error(seen.err_msg);
  return bareText(seen.resultStr);
}

function invoke(bridge, name, given) {
  return new Promise((answered) => bridge.invoke(name, given, answered));
}

/** The app says when its bridge is there. */
function arrived() {
  if (globalThis.WeixinJSBridge) return Promise.resolve(globalThis.WeixinJSBridge);
  return new Promise((there, missing) => {
    document.addEventListener("WeixinJSBridgeReady", () => there(globalThis.WeixinJSBridge), { once: true });
    setTimeout(() => missing(new Error("no bridge")), PATIENCE);
  });
}

/** iOS wraps the text in JSON; bar codes come as "CODE_128,text". */
export function bareText(told) {
  let text = told;
  try {
    text = JSON.parse(told).scan_code?.scan_result ?? told;
  } catch {
    // It is the text itself.
  }
  return String(text).replace(/^(?:CODE|EAN|UPC|ITF|QR)_[A-Z0-9]+,/, "");
}
