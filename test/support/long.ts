/**
 * What `npm test` skips, and reports as skipped: the same test on the other engine, or with more repetitions. It is run by
 * `npm run test:long`, which skips nothing.
 */
export const long = process.env.SPOKE_TEST_LONG === '1'

/** For `describe` and `test`. */
export const onlyLong = long ? {} : { skip: 'long: npm run test:long' }
