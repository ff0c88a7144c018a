/** Detects HubSpot's undocumented id order: numeric and text differ if lengths differ. Pure. */

/** The orders that all ids so far follow. */
export interface Orders {
  number: boolean
  text: boolean
}

const asNumber = (id: string) => (/^\d+$/.test(id) ? BigInt(id) : -1n)
const isBefore = {
  number: (a: string, b: string) => asNumber(a) < asNumber(b),
  text: (a: string, b: string) => a < b,
}

/**
 * @param pivot the last id before this page
 * @returns the orders that still apply, and whether the page ends after the pivot in one of them
 */
export function ordersAfter(
  orders: Orders,
  pivot: string | undefined,
  ids: readonly string[],
): { orders: Orders; advanced: boolean } {
  const chain = pivot === undefined ? ids : [pivot, ...ids]
  const grows = (order: keyof Orders) =>
    chain.every((id, at) => at === 0 || isBefore[order](chain[at - 1] as string, id))
  const last = ids.at(-1)
  return {
    orders: { number: orders.number && grows('number'), text: orders.text && grows('text') },
    advanced:
      pivot === undefined || last === undefined || isBefore.number(pivot, last) || isBefore.text(pivot, last),
  }
}
