// Runs inside frame.html, a sandboxed document with an origin of its own: it takes one HTML text
// from the page that embeds it and becomes that document. It can reach neither cookies nor network.
addEventListener('message', (event) => {
  if (event.source !== parent || typeof event.data?.html !== 'string') return;
  document.open();
  document.write(event.data.html);
  document.close();
});
parent.postMessage({ kansoFrame: 'ready' }, '*');
