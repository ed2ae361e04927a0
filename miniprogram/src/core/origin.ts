/** The address that people outside the app open: the server's own. */
export function origin(): string {
  // #ifdef H5
  return location.origin
  // #endif
  // #ifndef H5
  return __API_BASE__
  // #endif
}
