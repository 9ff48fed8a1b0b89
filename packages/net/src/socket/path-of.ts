/** Where a request goes. */

/** The path of a request, without its query. */
export function pathOf({ url = '/' }: { readonly url?: string | undefined }): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}
