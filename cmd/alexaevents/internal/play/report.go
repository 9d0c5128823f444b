package play

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
)

// Formats are the formats of reports.
var Formats = []string{"text", "json", "junit"}

// Report writes results in one of the [Formats].
type Report struct {
	Format string
	Out    io.Writer

	results []Result
}

// Add writes a result: one for a person, or a JSON line. JUnit has all in one document.
func (r *Report) Add(result Result) error {
	r.results = append(r.results, result)
	var err error
	switch r.Format {
	case "json":
		encoder := json.NewEncoder(r.Out)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(result)
	case "text":
		if f := result.Failure; f != nil {
			_, err = fmt.Fprintf(r.Out, "FAIL  %s\n%s:%d: %s: %s\n", result.Name, result.File, f.Line, f.Step, f.Message)
		} else {
			_, err = fmt.Fprintf(r.Out, "ok    %s (%d steps, %d ms)\n", result.Name, result.Steps, result.Millis)
		}
	}
	return err
}

// Failed returns the number of scenarios that failed.
func (r *Report) Failed() (failed int) {
	for i := range r.results {
		if !r.results[i].Passed {
			failed++
		}
	}
	return failed
}

// The elements of a JUnit report that CI systems read.
type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"` // seconds
		Cases    []testCase `xml:"testcase"`
	}
	testCase struct {
		ClassName string   `xml:"classname,attr"`
		Name      string   `xml:"name,attr"`
		File      string   `xml:"file,attr"`
		Time      string   `xml:"time,attr"` // seconds
		Failure   *failure `xml:"failure"`
	}
	failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// Close completes a report of JUnit.
func (r *Report) Close() error {
	if r.Format != "junit" {
		return nil
	}
	s := suite{Name: "alexaevents", Tests: len(r.results), Failures: r.Failed()}
	total := int64(0)
	for _, result := range r.results {
		c := testCase{ClassName: result.File, Name: result.Name, File: result.File, Time: seconds(result.Millis)}
		if f := result.Failure; f != nil {
			c.Failure = &failure{f.Step, fmt.Sprintf("%s:%d: %s: %s", result.File, f.Line, f.Step, f.Message)}
		}
		s.Cases = append(s.Cases, c)
		total += result.Millis
	}
	s.Time = seconds(total)
	if _, err := io.WriteString(r.Out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(r.Out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites{Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(r.Out)
	return err
}

func seconds(millis int64) string { return fmt.Sprintf("%d.%03d", millis/1000, millis%1000) }
