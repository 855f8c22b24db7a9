/** One account setting that a principal (or, for "default", the account) has put. */
export interface AccountSettingRecord {
  /** `<principal ARN>` or `default`. */
  readonly principal: string;
  readonly name: string;
  readonly value: string;
}
