// A colleague's or manager's word on this screen: user name with PIN (enrolled devices) or password.
import { field, h } from "./dom.js";
import { t } from "./text.js";

export function proof(enrolled) {
  const name = field(t("User name"), { maxlength: 64, autocapitalize: "none", "data-test": "proof-name" });
  const secret = field(enrolled ? t("PIN or password") : t("Password"), { type: "password", maxlength: 200, autocomplete: "off", "data-test": "proof-secret" });
  return {
    box: h("div", { class: "row" }, name.box, secret.box),
    error: secret.error,
    value: () => {
      const said = secret.input.value;
      const byPin = enrolled && /^\d{4,6}$/.test(said);
      return { username: name.input.value.trim(), ...(byPin ? { pin: said } : { password: said }) };
    },
    filled: () => name.input.value.trim() !== "" && secret.input.value !== "",
  };
}
