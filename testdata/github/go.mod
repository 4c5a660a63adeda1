module dekey/testdata/github

go 1.26.0

require dekey v0.0.0

replace dekey => ../..
