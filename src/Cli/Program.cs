using Lamina.Cli;

var parsed = Commands.Build().Parse(args);
return parsed.Errors.Count > 0 ? UsageErrors.Report(parsed) : await parsed.InvokeAsync();
