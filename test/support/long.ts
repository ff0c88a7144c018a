/**
 * What a run of all tests leaves out, aloud: the same story once more on the other engine, or with more of the same. It is run by
 * `npm run test:long`, which leaves nothing out.
 */
export const long = process.env.SPOKE_TEST_LONG === '1'

/** For `describe` and `test`. */
export const onlyLong = long ? {} : { skip: 'long: npm run test:long' }
