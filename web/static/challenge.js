// Proof of work (ALTCHA, version 2, PBKDF2): finds a number whose derived key begins as is asked for, and puts it into
// the form. Without JavaScript, or without TLS, the code of the image is there for the same.
"use strict";
(async () => {
  const form = document.querySelector("form[data-challenge]");
  if (!form || !window.crypto || !crypto.subtle) return;
  const { parameters, signature } = JSON.parse(form.dataset.challenge);
  const state = form.querySelector("[data-state]");
  const code = form.querySelector("[data-code]");
  const octets = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (octet) => octet.toString(16).padStart(2, "0")).join("");
  const nonce = octets(parameters.nonce);
  const salt = octets(parameters.salt);
  const derive = async (counter) => {
    const password = new Uint8Array(nonce.length + 4);
    password.set(nonce);
    new DataView(password.buffer).setUint32(nonce.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: parameters.cost };
    return hex(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8));
  };
  state.textContent = form.dataset.working;
  state.hidden = false;
  const together = 16;
  for (let start = 0; start < 2 ** 20; start += together) {
    const keys = await Promise.all(Array.from({ length: together }, (_, place) => derive(start + place)));
    const found = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
    if (found < 0) continue;
    const solution = { counter: start + found, derivedKey: keys[found] };
    form.elements.altcha.value = btoa(JSON.stringify({ challenge: { parameters, signature }, solution }));
    code.hidden = true;
    state.textContent = form.dataset.done;
    form.dataset.solved = "yes";
    return;
  }
})();
