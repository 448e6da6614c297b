/** What is typed stays in this browser, for this person: the draft of the form, and the prompts asked for before. */

const owner = document.body.dataset.user;
const DRAFT = `zimageweb:draft:${owner}`;
const HISTORY = `zimageweb:prompts:${owner}`;
const KEPT = 30;

function read(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch { /* private window, full disk: the page works without */ }
}

export const loadDraft = () => read(DRAFT, null);
export const saveDraft = (values) => store(DRAFT, values);
export const promptsBefore = () => read(HISTORY, []);

export function rememberPrompt(prompt) {
  store(HISTORY, [prompt, ...promptsBefore().filter((other) => other !== prompt)].slice(0, KEPT));
}
