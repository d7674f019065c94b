module fogbank.task/{{name}}

go 1.21
