// A dashboard drawn with Grafana's own components, without Grafana: panels and answers come in as
// `window.INPUT`, from draw.py. What Grafana adds around them (menus, editing, polling) is left out.
import {
  FieldType,
  applyFieldOverrides,
  createTheme,
  dateTime,
  getFieldDisplayValues,
  getFieldDisplayName,
  renderLegendFormat,
  toDataFrame,
} from "@grafana/data";
import {
  BigValue,
  GlobalStyles,
  PanelChrome,
  ThemeContext,
  TimeSeries,
} from "@grafana/ui";
import { createRoot } from "react-dom/client";
import plotStyles from "uplot/dist/uPlot.min.css";

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const WIDTH = 1600;
const { dashboard, answers, from, to } = window.INPUT;
const theme = createTheme({ colors: { mode: "dark" } });
const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };

/** What Grafana takes where a panel names no colour. */
function configuration(panel) {
  const mode = panel.type === "stat" ? "thresholds" : "palette-classic";
  return { color: { mode }, ...panel.fieldConfig.defaults };
}

/** Prometheus's series as frames of Grafana, with the units, colours and thresholds of the panel. */
function frames(panel) {
  const data = panel.targets.flatMap((target, index) =>
    answers[panel.id][index].map(({ metric, values }) => {
      const name = target.legendFormat === "__auto" ? {} : named(target.legendFormat, metric);
      const config = { ...configuration(panel), ...name };
      return toDataFrame({
        refId: target.refId,
        fields: [
          { name: "Time", type: FieldType.time, values: values.map(([at]) => at * 1000) },
          { name: "Value", type: FieldType.number, labels: metric, config, values: values.map(number) },
        ],
      });
    }),
  );
  const fieldConfig = { defaults: {}, overrides: [] };
  const shown = applyFieldOverrides({ data, fieldConfig, replaceVariables: String, theme, timeZone: "utc" });
  let place = 0;
  for (const frame of shown) {
    for (const field of frame.fields) {
      const seriesIndex = field.type === FieldType.number ? place++ : 0;
      field.state = { ...field.state, displayName: getFieldDisplayName(field, frame, shown), seriesIndex };
    }
  }
  return shown;
}

const named = (format, labels) => ({ displayNameFromDS: renderLegendFormat(format, labels) });

const number = ([, value]) => (value === "NaN" ? null : Number(value));

function Figures({ panel, width, height }) {
  const values = getFieldDisplayValues({
    data: frames(panel),
    fieldConfig: { defaults: configuration(panel), overrides: [] },
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: String,
    theme,
    sparkline: panel.options.graphMode !== "none",
    timeZone: "utc",
  });
  return values.map((each, index) => (
    <BigValue
      key={index}
      width={width / values.length}
      height={height}
      value={each.display}
      sparkline={each.sparkline}
      colorMode={panel.options.colorMode}
      graphMode={panel.options.graphMode}
      justifyMode={panel.options.justifyMode}
      textMode={panel.options.textMode}
      theme={theme}
    />
  ));
}

function Graph({ panel, width, height }) {
  const data = frames(panel);
  if (!data.length) return <div style={{ textAlign: "center", paddingTop: 60 }}>No data</div>;
  return (
    <TimeSeries
      frames={data}
      structureRev={1}
      width={width}
      height={height}
      timeRange={range}
      timeZone="utc"
      legend={panel.options.legend}
    />
  );
}

function place({ x, y, w, h }) {
  const column = (WIDTH - GAP) / COLUMNS;
  return {
    position: "absolute",
    left: GAP + x * column,
    top: GAP + y * (ROW + GAP),
    width: w * column - GAP,
    height: h * (ROW + GAP) - GAP,
  };
}

function Shown({ panel }) {
  const at = place(panel.gridPos);
  if (panel.type === "row") return <h3 style={{ ...at, margin: 0, fontSize: 16 }}>{panel.title}</h3>;
  const Inside = panel.type === "stat" ? Figures : Graph;
  return (
    <div style={at}>
      <PanelChrome title={panel.title} width={at.width} height={at.height}>
        {(width, height) => <Inside panel={panel} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

function Page() {
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <style>{plotStyles}</style>
      <div style={{ position: "relative", width: WIDTH, height: GAP + bottom * (ROW + GAP) }} id="page">
        {dashboard.panels.map((panel) => <Shown key={panel.id} panel={panel} />)}
      </div>
    </ThemeContext.Provider>
  );
}

document.body.style.cssText = `margin: 0; background: ${theme.colors.background.canvas}; color: ${theme.colors.text.primary}; font: 14px ${theme.typography.fontFamily}`;
createRoot(document.getElementById("root")).render(<Page />);
