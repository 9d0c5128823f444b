'use strict';
const byID = id => document.getElementById(id);
const entries = byID('entries'), live = byID('live');
const fragment = event => document.createRange().createContextualFragment(JSON.parse(event.data)); // the server escapes it

function show(problem) {
  byID('problem').textContent = problem;
  byID('problem').hidden = problem === '';
}

// Replaces the parts that differ. The focus stays.
function state(event) {
  for (const part of [...fragment(event).children]) {
    const old = byID(part.id), focused = old.contains(document.activeElement) ? document.activeElement.id : '';
    if (part.isEqualNode(old)) continue;
    old.replaceWith(part);
    if (focused) byID(focused)?.focus({ preventScroll: true });
  }
}

function add(event) {
  const added = fragment(event);
  for (const entry of added.children) entry.classList.add('new');
  entries.querySelector('.empty')?.remove();
  entries.prepend(added);
  for (const entry of [...entries.children].slice(100)) if (!entry.contains(document.activeElement)) entry.remove();
}

document.addEventListener('submit', async event => {
  const form = event.target;
  if (form.getAttribute('method') !== 'post' || !entries.dataset.stream) return;
  event.preventDefault();
  form.ariaBusy = 'true';
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const response = await fetch(form.getAttribute('action'), { method: 'POST', body, redirect: 'manual' });
    const failed = response.type !== 'opaqueredirect'; // a form that was accepted redirects
    show(failed ? new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('problem')?.textContent ?? response.statusText : '');
  } catch {
    show('The cloud does not respond.');
  }
  form.ariaBusy = null;
});

if (entries.dataset.stream) { // a page of older entries stays as it is
  const stream = new EventSource(entries.dataset.stream);
  stream.addEventListener('state', state);
  stream.addEventListener('entries', add);
  stream.addEventListener('journal', event => entries.replaceChildren(fragment(event)));
  stream.onopen = () => { live.className = 'on'; live.textContent = 'live'; };
  stream.onerror = () => { live.className = 'off'; live.textContent = 'not connected'; };
}
