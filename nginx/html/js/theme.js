// Applies the chosen colour theme before the first paint. A classic script on purpose: modules run too late.
(() => {
  let theme = null;
  try { theme = localStorage.getItem('kanso.theme'); } catch { /* storage may be switched off */ }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
