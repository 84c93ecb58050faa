import type { InputData } from './port/index.ts';

/** A row of `run_input_data`, without the columns that the query selects by. */
export type InputDataRow = { marker: string; data: string };

/** The data of a row. */
export const toInputData = ({ marker, data }: InputDataRow): InputData => ({ marker: JSON.parse(marker), data });

/** A row of the data: its marker as it stands in `runs.message`. */
export const toInputDataRow = ({ marker, data }: InputData): InputDataRow => ({ marker: JSON.stringify(marker), data });
