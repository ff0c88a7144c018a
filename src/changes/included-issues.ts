/** Adds to changes of issues the issue as each change left it. */
import type { TenantScope } from '../db/scope.ts'
import type { Change, ShownIssue } from './change.ts'

/** A change whose issue is wanted. */
export interface AskedVersion {
  seq: number
  issueId: string
  /** Bytes of the page up to this change, without issues. */
  upTo: number
}

export interface IssueVersion {
  seq: number
  /** At most so many bytes. */
  size: number
  /** undefined: it is beyond the bytes that were asked for. */
  issue: ShownIssue | undefined
}

/**
 * Reads issues as of changes. Passed in, because the folder of issues is above this one.
 *
 * @param asked in the order of the feed
 * @param limits.bytes of the page; issues beyond it are not read
 * @param limits.ofOne longer issues are left out
 * @returns those that can be determined, in the same order
 */
export type ReadIssues = (
  scope: TenantScope,
  asked: readonly AskedVersion[],
  limits: { bytes: number; ofOne?: number },
) => Promise<IssueVersion[]>

const isAboutIssue = ({ type }: Pick<Change, 'type'>) => type.startsWith('issue.')

/**
 * Adds the issues to a page of changes, in the transaction that read it. They count as bytes of the
 * page.
 *
 * @param changes in the order of the feed
 */
export async function withIssues<Row extends Change & { upTo: number }>(
  scope: TenantScope,
  readIssues: ReadIssues,
  changes: readonly Row[],
  limits: { bytes: number; ofOne?: number },
): Promise<Row[]> {
  // A purged change has no issue id. Of a change beyond the bytes only the length was read.
  const asked = changes.flatMap((one) =>
    isAboutIssue(one) && one.issue_id !== null && one.upTo <= limits.bytes
      ? [{ seq: one.seq, issueId: one.issue_id, upTo: one.upTo }]
      : [],
  )
  const found = asked.length === 0 ? [] : await readIssues(scope, asked, limits)
  const versions = new Map(found.map((version) => [version.seq, version]))
  let ofIssues = 0
  return changes.map((one) => {
    const version = versions.get(one.seq)
    ofIssues += version?.size ?? 0
    const issue = isAboutIssue(one) ? { issue: version?.issue ?? null } : {}
    return { ...one, ...issue, upTo: one.upTo + ofIssues }
  })
}
