/** News on pages without live pictures of their own: what is left of the quota, what is under way, a ZIP that is ready. */

// What a page is there for comes first: neither the scripts for this nor a connection are in its way. And a viewer
// through which somebody only walks on needs none.
addEventListener('load', async () => {
  const { goLive } = await import('./live.js');
  goLive();
});
