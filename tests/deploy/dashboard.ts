// A dashboard of ours in the words of Grafana's own types: as narrow as they are, and no key more.
import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  FieldConfig,
  Panel,
  RowPanel,
} from "@grafana/schema";
import type { Options as StatOptions } from "panels/stat";
import type {
  FieldConfig as TimeSeriesFields,
  Options as TimeSeriesOptions,
} from "panels/timeseries";

/** Enums, as JSON has them: by their values. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends (infer Each)[]
    ? Plain<Each>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

/** What the schema leaves to the plug-in: a query of the data source `prometheus`. */
interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
}

/** The same for annotations out of it. */
interface PrometheusAnnotation extends AnnotationQuery<PrometheusQuery> {
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
}

/** Names of value formats in `@grafana/data`; a name that is none would be written as it is. */
type Unit = "Bps" | "bytes" | "cps" | "mps" | "ops" | "percent" | "percentunit" | "reqps" | "s" | "short";

interface Fields<Custom> extends Omit<FieldConfig, "custom" | "unit"> {
  unit: Unit;
  custom?: Custom;
}

interface Shown<Type extends string, Options, Custom>
  extends Omit<Panel, "type" | "options" | "fieldConfig" | "targets"> {
  id: number;
  type: Type;
  options: Options;
  fieldConfig: { defaults: Fields<Custom>; overrides: [] };
  targets: PrometheusQuery[];
}

type AnyPanel =
  | Shown<"timeseries", TimeSeriesOptions, TimeSeriesFields>
  | Shown<"stat", StatOptions, never>
  | RowPanel;

export type Page = Plain<
  Omit<Dashboard, "panels" | "annotations"> & {
    panels: AnyPanel[];
    annotations: { list: PrometheusAnnotation[] };
  }
>;
