"use strict";

// Times are said in the visitor's own zone.
function localTimes(within) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of within.querySelectorAll("time[datetime]:not([data-said])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = form.format(at);
    time.dataset.said = "";
  }
}

// A countdown says how long it is until a time, each second.
function countdowns() {
  for (const place of document.querySelectorAll("[data-until]")) {
    const left = Math.round((new Date(place.dataset.until) - Date.now()) / 1000);
    if (Number.isNaN(left)) {
      place.textContent = "";
      continue;
    }
    const days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24, minutes = Math.floor(left / 60) % 60, seconds = left % 60;
    place.textContent = left <= 0 ? place.dataset.now
      : (days ? days + " d " + hours + " h" : hours ? hours + " h " + minutes + " min" : minutes ? minutes + " min " + seconds + " s" : seconds + " s");
  }
}

// Choices are sections of which one is shown, chosen by tabs. The choice is kept for the next page.
function choices(within) {
  for (const group of within.querySelectorAll("[data-choices]:not([data-ready])")) {
    const sections = [...group.querySelectorAll("[data-choice]")];
    const tabs = document.createElement("div");
    tabs.className = "tabs";
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", "Language");
    const buttons = sections.map((section) => {
      const button = document.createElement("button");
      button.type = "button";
      button.id = section.id + "-tab";
      button.textContent = section.dataset.choice;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", section.id);
      section.setAttribute("role", "tabpanel");
      tabs.append(button);
      return button;
    });
    const choose = (chosen) => {
      sections.forEach((section, i) => {
        section.hidden = i !== chosen;
        buttons[i].setAttribute("aria-selected", String(i === chosen));
        buttons[i].tabIndex = i === chosen ? 0 : -1;
      });
      try { localStorage.setItem("saumer-choice", sections[chosen].dataset.choice); } catch { /* it is not kept, then */ }
    };
    buttons.forEach((button, i) => {
      button.addEventListener("click", () => choose(i));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = (i + step + buttons.length) % buttons.length;
        choose(next);
        buttons[next].focus();
      });
    });
    group.prepend(tabs);
    group.dataset.ready = "";
    let kept = null;
    try { kept = localStorage.getItem("saumer-choice"); } catch { /* nothing was kept */ }
    choose(Math.max(0, sections.findIndex((section) => section.dataset.choice === kept)));
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = source.textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard to write to; a selection can be copied all the same.
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    done = document.execCommand("copy");
  }
  const label = button.dataset.label || button.textContent;
  button.dataset.label = label;
  button.textContent = done ? button.dataset.done || "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = label; }, 2000);
}

// The sample code follows what is typed.
function samples(form) {
  const place = document.getElementById("samples");
  let timer, asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const values = new URLSearchParams(new FormData(form));
    values.delete("form");
    try {
      const answer = await fetch(form.dataset.samples + "?" + values, { redirect: "error" });
      if (!answer.ok || mine !== asked) return;
      place.innerHTML = await answer.text();
      choices(place);
    } catch { /* the code stays as it was */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  });
  for (const button of form.querySelectorAll(".without-script")) button.hidden = true;
  if (place) ask();
}

// A live view takes what the server sends: texts for its fields, the state, and the progress.
function live(view) {
  const source = new EventSource(view.dataset.live);
  source.addEventListener("status", (event) => {
    const status = JSON.parse(event.data);
    for (const [name, text] of Object.entries(status.fields)) {
      for (const place of view.querySelectorAll('[data-field="' + name + '"]')) {
        if (place.textContent !== text) place.textContent = text;
      }
    }
    for (const place of view.querySelectorAll("[data-state]")) {
      place.className = "state " + status.state;
      place.textContent = status.label;
    }
    for (const place of view.querySelectorAll("[data-until]")) place.dataset.until = status.next;
    countdowns();
    for (const place of view.querySelectorAll("[data-progress]")) {
      place.hidden = !status.total;
      const bar = place.querySelector("progress");
      bar.max = status.total || 1;
      bar.value = status.done;
    }
    if (status.finished && "once" in view.dataset) source.close();
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.ask || event.target.dataset.ask;
  if (asked && !confirm(asked)) event.preventDefault();
});

localTimes(document);
choices(document);
for (const form of document.querySelectorAll("form[data-samples]")) samples(form);
for (const view of document.querySelectorAll("[data-live]")) live(view);
countdowns();
setInterval(countdowns, 1000);
