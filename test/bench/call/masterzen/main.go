// masterzen/winrm under measurement: answers the questions on standard input, a line of JSON each (Wire.ts says which).
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/masterzen/winrm"
)

type target struct {
	Transport string `json:"transport"`
	Port      int    `json:"port"`
	CaFile    string `json:"caFile"`
	UserName  string `json:"userName"`
	Password  string `json:"password"`
}

type question struct {
	Op          string `json:"op"`
	Callers     int    `json:"callers"`
	Calls       int    `json:"calls"`
	Length      int    `json:"length"`
	PauseMillis int    `json:"pauseMillis"`
}

type ran struct {
	Millis     []float64 `json:"millis"`
	WallMillis float64   `json:"wallMillis"`
	CPUMicros  int64     `json:"cpuMicros"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpuMicros() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Sec*1e6 + usage.Utime.Usec + usage.Stime.Sec*1e6 + usage.Stime.Usec
}

func millis(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1e3 }

// A shell on a connection of its own. Over http each message logs on anew and is sealed; inside TLS the password goes along.
func open(given target) *winrm.Shell {
	secure := given.Transport == "https"
	var ca []byte
	parameters := winrm.NewParameters("PT60S", "en-US", 153600)
	if secure {
		var err error
		ca, err = os.ReadFile(given.CaFile)
		check(err)
	} else {
		parameters.TransportDecorator = func() winrm.Transporter {
			encryption, err := winrm.NewEncryption("ntlm")
			check(err)
			return encryption
		}
	}
	endpoint := winrm.NewEndpoint("127.0.0.1", given.Port, secure, false, ca, nil, nil, time.Minute)
	client, err := winrm.NewClientWithParameters(endpoint, given.UserName, given.Password, parameters)
	check(err)
	shell, err := client.CreateShell()
	check(err)
	return shell
}

func call(shell *winrm.Shell, length int) {
	command, err := shell.ExecuteWithContext(context.Background(), fmt.Sprintf("powershell.exe -NonInteractive -Command Get-Text -Length %d", length))
	check(err)
	var out bytes.Buffer
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); _, _ = io.Copy(&out, command.Stdout) }()
	go func() { defer both.Done(); _, _ = io.Copy(io.Discard, command.Stderr) }()
	command.Wait()
	both.Wait()
	check(command.Close())
	if got := utf8.RuneCount(out.Bytes()); got < length {
		check(fmt.Errorf("%d characters of %d", got, length))
	}
}

func measured(work func() []float64) ran {
	before := cpuMicros()
	began := time.Now()
	each := work()
	return ran{Millis: each, WallMillis: millis(began), CPUMicros: cpuMicros() - before}
}

func run(shells []*winrm.Shell, asked question) []float64 {
	each := (asked.Calls + asked.Callers - 1) / asked.Callers
	found := make([][]float64, asked.Callers)
	var all sync.WaitGroup
	for caller := 0; caller < asked.Callers; caller++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for done := 0; done < each; done++ {
				began := time.Now()
				call(shells[caller], asked.Length)
				found[caller] = append(found[caller], millis(began))
				time.Sleep(time.Duration(asked.PauseMillis) * time.Millisecond)
			}
		}()
	}
	all.Wait()
	var joined []float64
	for _, some := range found {
		joined = append(joined, some...)
	}
	return joined
}

func main() {
	var given target
	check(json.Unmarshal([]byte(os.Args[1]), &given))
	var shells []*winrm.Shell
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked question
		check(json.Unmarshal(lines.Bytes(), &asked))
		var answer any = struct{}{}
		switch asked.Op {
		case "open":
			for len(shells) < asked.Callers {
				shells = append(shells, open(given))
			}
		case "cold":
			answer = measured(func() []float64 {
				began := time.Now()
				shell := open(given)
				call(shell, asked.Length)
				found := millis(began)
				check(shell.Close())
				return []float64{found}
			})
		case "run":
			answer = measured(func() []float64 { return run(shells, asked) })
		}
		line, err := json.Marshal(answer)
		check(err)
		fmt.Println(string(line))
	}
	for _, shell := range shells {
		check(shell.Close())
	}
}
